//! Tests of the local history, on files.

mod appending;
mod choices;
mod kill;
mod lines;
mod opening;
mod reading;
mod searching;
mod speed;
mod transactions;
mod transfers;

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::text::Content;

use super::*;
use crate::temporary_dir;

const ANNA: &str = "ANNA";
const T1: Term = Term([1; 8]);
const T2: Term = Term([2; 8]);

impl Writer {
    /// Allows this connection no more than this number of pages in the file, or no more than there
    /// are, as on a full disk.
    pub(crate) fn limit_pages(&self, pages: Option<u32>) {
        let sql = format!("PRAGMA max_page_count = {}", pages.unwrap_or(u32::MAX - 1));
        self.connection.query_row(&sql, [], |_| Ok(())).unwrap();
    }
}

/// The number of transactions in the write-ahead log, which nothing has emptied. The last page of
/// each has the size of the file in its header.
pub(crate) fn commits(dir: &DataDir, identity: &str) -> usize {
    const HEADER: usize = 32;
    const PAGE_HEADER: usize = 24;
    let log = std::fs::read(dir.join(&format!("history/{identity}.db-wal"))).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    log[HEADER..].chunks_exact(PAGE_HEADER + page).filter(|frame| frame[4..8] != [0; 4]).count()
}

fn open(dir: &DataDir) -> Writer {
    let (writer, aside) = Writer::open(dir, ANNA).unwrap();
    assert_eq!(aside, None);
    writer
}

fn key(byte: u8) -> Fingerprint {
    Fingerprint([byte; 20])
}

/// A room of a server, and its first log, which starts after `start`.
fn lobby(writer: &mut Writer, start: u64) -> (RoomRow, LogRow) {
    let room = writer.room(&key(7), "lobby").unwrap();
    (room, writer.begin(room, None, at(start, T1)).unwrap().log)
}

const fn at(start: u64, term: Term) -> Beginning {
    Beginning { start, term, is_reset: false }
}

const fn reset(start: u64, term: Term) -> Beginning {
    Beginning { start, term, is_reset: true }
}

/// An entry with this text.
fn text(seq: u64, text: &str) -> NewEntry<'_> {
    entry(seq, EntryKind::TEXT, Content::Body(text.as_bytes()))
}

fn entry(seq: u64, kind: EntryKind, content: Content<'_>) -> NewEntry<'_> {
    let header = EntryHeader { seq, time_ms: seq.saturating_mul(1000), author: "bob", instance: 5, number: seq, kind };
    NewEntry { header, content, attention: Attention::Unread }
}

fn stub(seq: u64, size: u16) -> NewEntry<'static> {
    entry(seq, EntryKind::TEXT, Content::Omitted(size))
}

fn removal(seq: u64, body: &[u8; 8]) -> NewEntry<'_> {
    entry(seq, EntryKind::REMOVAL, Content::Body(body))
}

fn append(writer: &mut Writer, log: LogRow, entries: &[NewEntry<'_>]) -> Result<(), AppendError> {
    writer.append(&[Batch { log, term: T1, entries }])
}

/// Appends texts "text SEQ".
fn append_range(writer: &mut Writer, log: LogRow, seqs: core::ops::RangeInclusive<u64>) {
    let texts: Vec<String> = seqs.clone().map(|seq| format!("text {seq}")).collect();
    let entries: Vec<_> = seqs.zip(&texts).map(|(seq, body)| text(seq, body)).collect();
    append(writer, log, &entries).unwrap();
}

fn cursor(writer: &mut Writer, room: RoomRow) -> (LogRow, u64, Term) {
    let CurrentLog { log, cursor, .. } = writer.current(room).unwrap().unwrap();
    (log, cursor.seq, cursor.term)
}

/// A page as words: `5` an entry, `-5` a removed one, `~5` a stub, `[2-4]` a gap of which the
/// server may have all, `(2-4)` one of which it has nothing.
fn show(page: &Page) -> String {
    let show = |item: &PageItem| match item {
        PageItem::Entry(entry) => match entry.content {
            _ if entry.kind == EntryKind::REMOVED => format!("-{}", entry.place.seq),
            StoredContent::Omitted(_) => format!("~{}", entry.place.seq),
            StoredContent::Body(_) => entry.place.seq.to_string(),
        },
        PageItem::Gap(gap) => match gap.fetchable() {
            None => format!("({}-{})", gap.first, gap.last),
            Some((first, _)) if first > gap.first => format!("({}-{first}-{}]", gap.first, gap.last),
            Some(_) => format!("[{}-{}]", gap.first, gap.last),
        },
    };
    page.items.iter().map(show).collect::<Vec<_>>().join(" ")
}

fn all(writer: &Writer, room: RoomRow) -> String {
    show(&writer.reader().unwrap().page(room, Anchor::Last, MAX_PAGE).unwrap())
}
