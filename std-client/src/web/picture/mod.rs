//! Recognises pictures by their first bytes, and how large they are. What somebody calls a picture
//! decides nothing: a page displays only what begins as one of four formats, and is not too large.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use crate::transfers::media_type::media_type;

/// Longest file in bytes that is displayed as a picture.
pub const MAX_LEN: u64 = 16 << 20;
/// Bytes of a file that [`recognise`] needs at most. The size of a JPEG is after what cameras and
/// programs write before it.
pub const BEGINNING_LEN: usize = 256 << 10;
/// Longest side in pixels.
const MAX_SIDE: u32 = 16_384;
/// Most pixels: a browser has four bytes of each in memory.
const MAX_PIXELS: u64 = 50_000_000;

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub media_type: &'static str,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// Returns the picture that a file with this beginning is; `None`: none of a known format, or one
/// of too many pixels.
#[must_use]
pub fn recognise(beginning: &[u8]) -> Option<Picture> {
    let media_type = media_type(beginning);
    let (width, height) = match media_type {
        "image/png" => png(beginning)?,
        "image/gif" => gif(beginning)?,
        "image/jpeg" => jpeg(beginning)?,
        "image/webp" => webp(beginning)?,
        _ => return None,
    };
    let is_side = |side| (1..=MAX_SIDE).contains(&side);
    let is_small = u64::from(width).checked_mul(u64::from(height)).is_some_and(|pixels| pixels <= MAX_PIXELS);
    (is_side(width) && is_side(height) && is_small).then_some(Picture { media_type, width, height })
}

/// The signature is followed by a chunk `IHDR`.
fn png(mut rest: &[u8]) -> Option<(u32, u32)> {
    let _signature: [u8; 8] = take(&mut rest)?;
    let [_len, kind, width, height] = [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?, take(&mut rest)?];
    (kind == *b"IHDR").then(|| (u32::from_be_bytes(width), u32::from_be_bytes(height)))
}

fn gif(mut rest: &[u8]) -> Option<(u32, u32)> {
    let (b"GIF87a" | b"GIF89a") = &take(&mut rest)? else { return None };
    let [width, height] = [take(&mut rest)?, take(&mut rest)?];
    Some((u16::from_le_bytes(width).into(), u16::from_le_bytes(height).into()))
}

/// Finds the frame header among the segments.
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    let _start_of_image: [u8; 2] = take(&mut rest)?;
    loop {
        let [0xff] = take(&mut rest)? else { return None };
        let mut marker = 0xff;
        while marker == 0xff {
            [marker] = take(&mut rest)?;
        }
        let len = u16::from_be_bytes(take(&mut rest)?);
        match marker {
            // The frame headers of all ways of coding.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let [_precision] = take(&mut rest)?;
                let [height, width] = [take(&mut rest)?, take(&mut rest)?];
                return Some((u16::from_be_bytes(width).into(), u16::from_be_bytes(height).into()));
            }
            // Tables, and what programs write: the length counts itself.
            0xc4 | 0xcc | 0xdb..=0xdd | 0xe0..=0xef | 0xfe => {
                rest = rest.get(usize::from(len).checked_sub(2)?..)?;
            }
            _ => return None,
        }
    }
}

/// The first chunk is one of three.
fn webp(mut rest: &[u8]) -> Option<(u32, u32)> {
    let b"RIFF" = &take(&mut rest)? else { return None };
    let [_len, form, kind, _chunk_len] = [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?, take(&mut rest)?];
    if form != *b"WEBP" {
        return None;
    }
    let next = |side: u32| side.checked_add(1);
    match &kind {
        b"VP8 " => {
            let [_tag, [0x9d, 0x01, 0x2a]] = [take(&mut rest)?, take(&mut rest)?] else { return None };
            let [width, height] = [take(&mut rest)?, take(&mut rest)?].map(|side| u16::from_le_bytes(side) & 0x3fff);
            Some((width.into(), height.into()))
        }
        b"VP8L" => {
            let [0x2f] = take(&mut rest)? else { return None };
            let sides = u32::from_le_bytes(take(&mut rest)?);
            Some((next(sides & 0x3fff)?, next(sides >> 14 & 0x3fff)?))
        }
        b"VP8X" => {
            let _flags_and_reserved: [u8; 4] = take(&mut rest)?;
            let side = |[low, middle, high]: [u8; 3]| u32::from_le_bytes([low, middle, high, 0]);
            Some((next(side(take(&mut rest)?))?, next(side(take(&mut rest)?))?))
        }
        _ => None,
    }
}

/// Consumes bytes.
fn take<const LEN: usize>(rest: &mut &[u8]) -> Option<[u8; LEN]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

#[cfg(test)]
pub(super) mod tests;
