#!/usr/bin/env python3
"""An independent model of SPEC section 10: BLAKE3 as its paper describes it, and encodings of
contents in groups of 16 KiB. It uses no library and shares nothing with kabar-core.

usage: content.py           writes content.json next to this file
       content.py --check   fails if content.json is not what the model computes

The content of each case is the input of the official vectors of BLAKE3: byte i is i % 251.
"""

import functools
import hashlib
import json
import pathlib
import sys

MASK = 0xFFFFFFFF
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
CHUNK = 1024
GROUP = 16 * CHUNK

# `hash` of test_vectors.json of the BLAKE3 repository, 32 bytes of each.
PUBLISHED = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    1023: "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    2048: "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    2049: "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
    3072: "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
    3073: "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
    4096: "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
    4097: "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995",
    5120: "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833",
    5121: "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff",
    6144: "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205",
    6145: "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f",
    7168: "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a",
    7169: "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817",
    8192: "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63",
    8193: "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
    16384: "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4",
    31744: "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
    102400: "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
}


def rotate(word: int, count: int) -> int:
    return (word >> count | word << (32 - count)) & MASK


def compress(chaining: tuple, block: bytes, counter: int, flags: int) -> tuple:
    """The compression function, cut to the eight words of a chaining value."""
    padded = block.ljust(64, b"\0")
    message = [int.from_bytes(padded[at : at + 4], "little") for at in range(0, 64, 4)]
    state = [*chaining, *IV[:4], counter & MASK, counter >> 32, len(block), flags]
    for _ in range(7):
        words = iter(message)
        for a, b, c, d in COLUMNS + DIAGONALS:
            for first, second in ((16, 12), (8, 7)):
                state[a] = (state[a] + state[b] + next(words)) & MASK
                state[d] = rotate(state[d] ^ state[a], first)
                state[c] = (state[c] + state[d]) & MASK
                state[b] = rotate(state[b] ^ state[c], second)
        message = [message[at] for at in PERMUTATION]
    return tuple(state[at] ^ state[at + 8] for at in range(8))


def to_bytes(words: tuple) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


@functools.lru_cache(maxsize=None)
def chunk_hash(chunk: bytes, index: int, root: int) -> bytes:
    chaining = IV
    blocks = [chunk[at : at + 64] for at in range(0, len(chunk), 64)] or [b""]
    for at, block in enumerate(blocks):
        flags = CHUNK_START if at == 0 else 0
        if at == len(blocks) - 1:
            flags |= CHUNK_END | root
        chaining = compress(chaining, block, index, flags)
    return to_bytes(chaining)


def left_len(length: int) -> int:
    """Bytes in the left child: the largest power of two of chunks that leaves one byte for the right."""
    left = CHUNK
    while left * 2 < length:
        left *= 2
    return left


@functools.lru_cache(maxsize=None)
def node_hash(content: bytes, start: int, root: int = 0) -> bytes:
    """The hash of the subtree over `content`, which begins at offset `start`."""
    if len(content) <= CHUNK:
        return chunk_hash(content, start // CHUNK, root)
    return to_bytes(compress(IV, parent(content, start), 0, PARENT | root))


def parent(content: bytes, start: int) -> bytes:
    left = left_len(len(content))
    return node_hash(content[:left], start) + node_hash(content[left:], start + left)


def encode(content: bytes, first: int, end: int, start: int = 0) -> list:
    """The nodes of the encoding of the bytes first to end, which begin and end with groups."""
    if start >= end or start + max(len(content), 1) <= first:
        return []
    if len(content) <= GROUP:
        return [content]
    left = left_len(len(content))
    below = encode(content[:left], first, end, start) + encode(content[left:], first, end, start + left)
    return [parent(content, start), *below]


def outboard(content: bytes, start: int = 0) -> bytes:
    if len(content) <= GROUP:
        return b""
    left = left_len(len(content))
    return outboard(content[:left], start) + outboard(content[left:], start + left) + parent(content, start)


def content_of(length: int) -> bytes:
    return bytes(at % 251 for at in range(length))


def rounded(length: int, offset: int, count: int) -> tuple:
    """A range of bytes, rounded outward to groups. An empty content has one empty group."""
    if length == 0:
        return (0, 1)
    if count == 0:
        return (0, 0)
    return (offset // GROUP * GROUP, -(-(offset + count) // GROUP) * GROUP)


def encoding_case(length: int, offset: int, count: int, in_full: bool = False) -> dict:
    first, end = rounded(length, offset, count)
    nodes = encode(content_of(length), first, end)
    encoding = b"".join(nodes)
    case = {"length": length, "offset": offset, "count": count, "nodes": len(nodes)}
    case |= {"encodingLength": len(encoding), "sha256": hashlib.sha256(encoding).hexdigest()}
    if in_full:
        case["encoding"] = encoding.hex()
    return case


LENGTHS = [0, 1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 3 * GROUP, 5 * GROUP + 1024, 7 * GROUP + 1025, 8 * GROUP, 9 * GROUP + 3]
RANGES = [
    # length, offset, count
    (GROUP + 1, 0, 0),
    (GROUP + 1, GROUP, 0),
    (GROUP + 1, 3, 7),
    (4 * GROUP, GROUP - 1, 2),
    (5 * GROUP + 1024, 2 * GROUP, GROUP),
    (5 * GROUP + 1024, 3 * GROUP + 100, 2 * GROUP + 924),
    (7 * GROUP + 1025, 4 * GROUP, 3 * GROUP + 1025),
    (9 * GROUP + 3, 7 * GROUP + 1, GROUP),
]
IN_FULL = [
    (0, 0, 0),
    (5, 0, 5),
    (GROUP + 1, GROUP, 1),
    (3 * GROUP + 1, 3 * GROUP, 1),
    (5 * GROUP + 10, 5 * GROUP, 10),
]


def vectors() -> dict:
    for length, root in PUBLISHED.items():
        assert node_hash(content_of(length), 0, ROOT).hex() == root, f"root of {length} bytes"
    return {
        "comment": "made by content.py; byte i of each content is i % 251",
        "roots": [{"length": length, "root": node_hash(content_of(length), 0, ROOT).hex()} for length in sorted({*PUBLISHED, *LENGTHS})],
        "outboards": [
            {"length": length, "sha256": hashlib.sha256(outboard(content_of(length))).hexdigest()} for length in LENGTHS
        ],
        "encodings": [encoding_case(length, 0, length) for length in LENGTHS]
        + [encoding_case(*case) for case in RANGES]
        + [encoding_case(*case, in_full=True) for case in IN_FULL],
    }


def main() -> int:
    path = pathlib.Path(__file__).with_suffix(".json")
    text = json.dumps(vectors(), indent=1) + "\n"
    if sys.argv[1:] == ["--check"]:
        if path.read_text(encoding="utf-8") != text:
            print(f"{path} is not what the model computes: run {__file__}")
            return 1
        print(f"{path.name}: what the model computes")
        return 0
    path.write_text(text, encoding="utf-8")
    return 0


sys.exit(main())
