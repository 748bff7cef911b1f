//! Writes files to the disk while they are still growing, so that little is left to do when they
//! are synchronised at their end.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{self, SyncSender};

/// Bytes of a file that are written before the disk gets them.
const STEP: u64 = 8 << 20;

/// A thread that synchronises files early. It is started for the first file that is long enough.
///
/// Nothing relies on its results: each file is opened again for it, because the system reports a
/// failed write once to everyone who has the file open, and its owner has to learn of it.
#[derive(Debug, Default)]
pub struct EarlySync {
    /// `None`: not started yet. The thread ends when this is dropped.
    files: Option<SyncSender<File>>,
}

impl EarlySync {
    /// Everything before `offset` is written to the file at `path`. `begun` belongs to the file:
    /// the offset at which its synchronisation began last.
    pub fn advance(&mut self, path: &Path, begun: &mut u64, offset: u64) {
        if offset < begun.saturating_add(STEP) {
            return;
        }
        *begun = offset;
        let files = match &self.files {
            Some(files) => files,
            None => match start() {
                Some(files) => self.files.insert(files),
                None => return,
            },
        };
        if let Ok(file) = File::open(path) {
            // While the thread is busy, the disk is: what it does not get now, it gets later.
            let _ = files.try_send(file);
        }
    }
}

fn start() -> Option<SyncSender<File>> {
    let (sender, files) = mpsc::sync_channel::<File>(1);
    let run = move || {
        while let Ok(file) = files.recv() {
            let _ = file.sync_data();
        }
    };
    std::thread::Builder::new().name("kabar-sync".to_owned()).spawn(run).ok().map(|_| sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_again_after_each_step() {
        let mut sync = EarlySync::default();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut begun = 0;
        sync.advance(file.path(), &mut begun, STEP - 1);
        assert!(sync.files.is_none() && begun == 0);
        sync.advance(file.path(), &mut begun, STEP + 1);
        assert!(sync.files.is_some() && begun == STEP + 1);
        sync.advance(file.path(), &mut begun, 2 * STEP);
        assert_eq!(begun, STEP + 1);
        sync.advance(Path::new("/nowhere/file"), &mut begun, 3 * STEP);
        assert_eq!(begun, 3 * STEP);
    }
}
