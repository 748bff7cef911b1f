//! The terminal as `ratatui` draws on it, with links (OSC 8).

use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::draw::Links;

/// A terminal, and the links of the frame that is drawn next.
#[derive(Debug)]
pub(super) struct LinkBackend<W: Write> {
    inner: CrosstermBackend<W>,
    pub(super) links: Links,
}

impl<W: Write> LinkBackend<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { inner: CrosstermBackend::new(writer), links: Links::new() }
    }
}

impl<W: Write> Write for LinkBackend<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.inner)
    }
}

impl<W: Write> Backend for LinkBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        while let Some((x, y, cell)) = content.next() {
            let link = self.links.get(&(x, y)).cloned();
            // Cells with the same link are drawn together.
            let links = &self.links;
            let same = std::iter::from_fn(|| content.next_if(|(x, y, _)| links.get(&(*x, *y)) == link.as_ref()));
            let cells: Vec<_> = std::iter::once((x, y, cell)).chain(same).collect();
            if let Some(link) = &link {
                write!(self.inner, "\x1b]8;;{}\x1b\\", encoded(link))?;
            }
            self.inner.draw(cells.into_iter())?;
            if link.is_some() {
                self.inner.write_all(b"\x1b]8;;\x1b\\")?;
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

/// An address as terminals expect it: printable ASCII only.
fn encoded(link: &str) -> String {
    let mut encoded = String::with_capacity(link.len());
    for byte in link.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_link_are_between_its_sequences() {
        let mut written = Vec::new();
        let mut backend = LinkBackend::new(&mut written);
        (1..3).for_each(|x| drop(backend.links.insert((x, 0), "http://\u{e9}\u{1b}".into())));
        let cells = ["a", "b", "c", "d"].map(Cell::new);
        backend.draw((0..).zip(&cells).map(|(x, cell)| (x, 0, cell))).unwrap();
        let written = String::from_utf8(written).unwrap();
        let (before, rest) = written.split_once("\x1b]8;;http://%C3%A9%1B\x1b\\").unwrap();
        let (linked, after) = rest.split_once("\x1b]8;;\x1b\\").unwrap();
        assert!(before.contains('a') && linked.contains("bc") && after.contains('d'), "{written:?}");
    }
}
