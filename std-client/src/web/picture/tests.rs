use super::*;

/// The beginning of a PNG of this size.
pub(in crate::web) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    bytes.extend([8, 6, 0, 0, 0]);
    bytes
}

fn jpeg(segments: &[&[u8]]) -> Vec<u8> {
    let frame: &[u8] = &[0xff, 0xc2, 0, 17, 8, 0x01, 0x02, 0x03, 0x04, 3];
    [&[0xff, 0xd8][..], &segments.concat(), frame].concat()
}

fn webp(kind: &[u8; 4], rest: &[u8]) -> Vec<u8> {
    [b"RIFF\x24\0\0\0WEBP", &kind[..], b"\x18\0\0\0", rest].concat()
}

fn samples() -> Vec<(Vec<u8>, &'static str, u32, u32)> {
    let tables: &[u8] = &[0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xff, 0xdb, 0, 3, 9];
    vec![
        (png(640, 480), "image/png", 640, 480),
        (b"GIF89a\x10\x00\x00\x01\0\0\0".to_vec(), "image/gif", 16, 256),
        (b"GIF87a\x01\x00\x01\x00\0\0\0".to_vec(), "image/gif", 1, 1),
        (jpeg(&[]), "image/jpeg", 0x304, 0x102),
        (jpeg(&[tables]), "image/jpeg", 0x304, 0x102),
        (webp(b"VP8 ", b"\x30\x01\0\x9d\x01\x2a\x40\x41\xf0\x80"), "image/webp", 320, 240),
        (webp(b"VP8L", &[0x2f, 0x3f, 0xc1, 0x3b, 0x10]), "image/webp", 320, 240),
        (webp(b"VP8X", &[0x10, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 0]), "image/webp", 320, 240),
    ]
}

#[test]
fn four_formats_are_recognised_with_their_size() {
    for (bytes, media_type, width, height) in samples() {
        assert_eq!(recognise(&bytes), Some(Picture { media_type, width, height }));
    }
}

#[test]
fn nothing_else_is_a_picture() {
    let other: [&[u8]; 9] = [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT\0\0\0\x01\0\0\0\x01",
        b"\xff\xd8<html>",
        b"\xff\xd8\xff\xda\0\x08",
        b"BM\x9a\0\0\0",
    ];
    for bytes in other {
        assert_eq!(recognise(bytes), None, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn sizes_are_bounded() {
    for (width, height) in [(0, 1), (1, 0), (MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (10_000, 5_001), (u32::MAX, u32::MAX)]
    {
        assert_eq!(recognise(&png(width, height)), None, "{width}x{height}");
    }
    assert!(recognise(&png(10_000, 5_000)).is_some() && recognise(&png(MAX_SIDE, 1)).is_some());
}

#[test]
fn no_input_is_a_picture_of_less_than_its_size_or_panics() {
    for (bytes, ..) in samples() {
        let shortest = (0..=bytes.len()).find(|len| recognise(&bytes[..*len]).is_some()).unwrap();
        assert!((shortest..bytes.len()).all(|len| recognise(&bytes[..len]) == recognise(&bytes)));
        for at in 0..bytes.len() {
            for byte in 0..=u8::MAX {
                let mut changed = bytes.clone();
                changed[at] = byte;
                let _ = recognise(&changed);
            }
        }
    }
}
