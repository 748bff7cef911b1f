use super::*;

#[test]
fn reads_big_endian_and_consumes() {
    let mut reader = Reader::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert_eq!(reader.u8(), Ok(0x01));
    assert_eq!(reader.u16(), Ok(0x0203));
    assert_eq!(reader.u32(), Ok(0x0405_0607));
    assert_eq!(reader.u64(), Ok(0x0809_0a0b_0c0d_0e0f));
    assert_eq!(reader.remaining(), 1);
    assert_eq!(reader.clone().finish(), Err(DecodeError::Trailing));
    assert_eq!(reader.rest(), [16]);
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn consumes_nothing_when_truncated() {
    let mut reader = Reader::new(&[3, 0xaa]);
    assert_eq!(reader.u64(), Err(DecodeError::Truncated));
    assert_eq!(reader.bytes(3), Err(DecodeError::Truncated));
    assert_eq!(reader.array::<3>(), Err(DecodeError::Truncated));
    assert_eq!(reader.remaining(), 2);
    assert_eq!(reader.bytes_u8(), Err(DecodeError::Truncated));
    assert_eq!(Reader::new(&[0, 2, 1]).bytes_u16(), Err(DecodeError::Truncated));
}

#[test]
fn consumes_no_length_of_truncated_bytes() {
    let mut reader = Reader::new(&[3, 0xaa]);
    assert_eq!(reader.bytes_u8(), Err(DecodeError::Truncated));
    assert_eq!(reader.remaining(), 2);
    let mut reader = Reader::new(&[0, 3, 0xaa]);
    assert_eq!(reader.bytes_u16(), Err(DecodeError::Truncated));
    assert_eq!(reader.remaining(), 3);
}

#[test]
fn reads_text_only_if_it_is_utf8() {
    assert_eq!(Reader::new(&[3, 0xe2, 0x82, 0xac]).str_u8(), Ok("\u{20ac}"));
    assert_eq!(Reader::new(&[2, 0xe2, 0x82, 0xac]).str_u8(), Err(DecodeError::Value));
}

#[test]
fn written_values_read_back() {
    let mut buffer = [0xff; 22];
    let mut writer = Writer::new(&mut buffer);
    writer.u8(1).unwrap();
    writer.u16(0x0203).unwrap();
    writer.u32(0x0405_0607).unwrap();
    writer.u64(0x0809_0a0b_0c0d_0e0f).unwrap();
    writer.zeros(1).unwrap();
    writer.bytes_u8(&[0x11]).unwrap();
    writer.bytes_u16(&[0x22]).unwrap();
    assert_eq!((writer.len(), writer.remaining()), (21, 1));
    let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 0x11, 0, 1, 0x22];
    assert_eq!(writer.written(), expected);
}

#[test]
fn writes_all_or_nothing() {
    let mut buffer = [0; 3];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.u32(1), Err(BufferFull));
    assert_eq!(writer.zeros(4), Err(BufferFull));
    assert_eq!(writer.bytes_u8(&[1; 3]), Err(BufferFull));
    assert_eq!(writer.bytes_u16(&[1; 2]), Err(BufferFull));
    assert_eq!(writer.bytes_u8(&[1; 256]), Err(BufferFull));
    assert!(writer.is_empty());
    assert_eq!(writer.bytes(&[7; 3]), Ok(()));
    assert_eq!(writer.u8(1), Err(BufferFull));
    assert_eq!(buffer, [7; 3]);
}
