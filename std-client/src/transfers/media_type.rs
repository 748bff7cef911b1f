//! The media type of a file, by its first bytes: the only place that knows the beginnings of
//! formats. Whoever receives the type of a file that is sent only displays it: it is a claim of the
//! sender.

/// Bytes that are looked at.
const HEAD_LEN: usize = 8 << 10;

/// Returns the media type of a file with this beginning; empty: not known.
#[must_use]
pub fn media_type(beginning: &[u8]) -> &'static str {
    let head = beginning.get(..HEAD_LEN).unwrap_or(beginning);
    match infer::get(head) {
        Some(known) => known.mime_type(),
        None if !head.is_empty() && is_text(head) => "text/plain",
        None => "",
    }
}

/// Whether these bytes are the beginning of UTF-8 text. The last character may be cut.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            head.get(..error.valid_up_to()).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::File;
    use kabar_core::content::Root;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_beginnings_have_a_type() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        for (head, expected) in [
            (&png[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04", "application/zip"),
            (b"# Notes\n\tcaf\xc3\xa9", "text/plain"),
            (b"cut after caf\xc3", "text/plain"),
            (b"caf\xe9 in another encoding", ""),
            (b"zero\0byte", ""),
            (b"", ""),
        ] {
            assert_eq!(media_type(head), expected, "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn every_type_is_one_that_an_entry_takes(head in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(File::new("a", 1, Root([0; 32]), media_type(&head)).is_some());
        }
    }
}
