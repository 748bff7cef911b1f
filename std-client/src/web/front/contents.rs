//! Contents that pages have requested: pictures that they display, and files that they save.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kabar_core::content::Root;

use crate::engine::event::Transfer;
use crate::web::cache::{Cache, parse_root};

/// Contents that are being received. Further ones are requested again.
const MAX_WANTED: usize = 32;
/// How long a file that is saved stays in the cache for the browser, in which there may be no space
/// for it.
const KEEP_SAVED: Duration = Duration::from_secs(60);

/// Contents that pages have requested.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) cache: Cache,
    pub(super) shows_pictures: bool,
    wanted: BTreeMap<Root, Wanted>,
    /// Those that a browser is about to save, and since when.
    saved: BTreeMap<Root, Instant>,
}

/// A content that is being received.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The name of the file.
    pub(super) name: String,
    /// Whether it is saved, and not only displayed: then it is in the list of transfers.
    pub(super) is_saved: bool,
}

impl Contents {
    pub(super) fn new(cache: Cache, shows_pictures: bool) -> Self {
        Self { cache, shows_pictures, wanted: BTreeMap::new(), saved: BTreeMap::new() }
    }

    /// Whether there are as many as may be.
    pub(super) fn is_full(&self) -> bool {
        self.wanted.len() >= MAX_WANTED
    }

    /// Notes that a content is requested. Returns whether that is new.
    pub(super) fn want(&mut self, root: Root, wanted: Wanted) -> bool {
        match self.wanted.get_mut(&root) {
            Some(known) => {
                if wanted.is_saved {
                    *known = wanted;
                }
                false
            }
            None => self.wanted.insert(root, wanted).is_none(),
        }
    }

    /// A content is there, or does not come.
    pub(super) fn end(&mut self, root: Root) {
        self.wanted.remove(&root);
    }

    /// Those that were requested are no longer being received.
    pub(super) fn end_all(&mut self) -> impl Iterator<Item = Root> + use<> {
        std::mem::take(&mut self.wanted).into_keys()
    }

    /// Returns the content that a transfer receives for the cache, and what is known of it. Its
    /// name is the root ([`Contents::name`]), also if an earlier process has begun it.
    pub(super) fn of(&self, transfer: &Transfer) -> Option<(Root, Option<&Wanted>)> {
        self.named(&transfer.name).filter(|_| !transfer.is_upload)
    }

    /// As [`Contents::of`], for the name of a transfer.
    pub(super) fn named(&self, name: &str) -> Option<(Root, Option<&Wanted>)> {
        let root = parse_root(name)?;
        Some((root, self.wanted.get(&root)))
    }

    /// Returns the name under which a content is received.
    pub(super) fn name(root: Root) -> String {
        root.to_string()
    }

    /// A browser is about to save a content.
    pub(super) fn keep(&mut self, root: Root) {
        self.saved.insert(root, Instant::now());
    }

    /// Removes what is too much in the cache.
    pub(super) fn trim(&mut self, new: Option<Root>) {
        self.saved.retain(|_, since| since.elapsed() < KEEP_SAVED);
        self.cache.trim(|root| Some(root) == new || self.saved.contains_key(&root));
    }
}
