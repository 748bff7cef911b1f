//! Which calls in a device's whole client can end in a panic, as the linker sees it.
//!
//! The image keeps the relocation of every call. A function of `core` from which its panic is
//! reached can panic; a call of one from elsewhere is a *site*, and belongs to the package of the
//! innermost function that was inlined there. Our packages have no site. Those of others are in
//! `embedded-example/firmware/panics.txt`, each with the reason why it cannot be reached; one that
//! is new, or gone, fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use addr2line::Loader;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SectionKind, SymbolKind};

use crate::measure::{EXAMPLE, cargo_build, run};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedded-example/firmware/panics.txt");
/// Where every panic ends.
const PANIC: &str = "core::panicking::panic_fmt";

/// Every call of the client in a program, in a plain release profile for size, without flags but
/// those that keep the relocations, and with the lines of what is inlined.
pub(crate) fn client() -> &'static Path {
    static CLIENT: OnceLock<PathBuf> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let firmware = Path::new(EXAMPLE).join("firmware");
        let target = firmware.join("target/panics");
        let mut build = cargo_build(&firmware.join("link-check"), &target, "-Clink-arg=--emit-relocs");
        build.args(["--bin", "client-check", "--config", "consumer.toml", "--config", "profile.release.debug=2"]);
        run(&mut build);
        target.join("thumbv7em-none-eabihf/release/client-check")
    })
}

/// A function of the image.
struct Function {
    name: String,
    begin: u64,
    end: u64,
}

/// A call: where it is, the function that it is in, and the one that is called.
struct Call<'a> {
    at: u64,
    from: &'a str,
    to: &'a str,
}

fn functions(file: &object::File<'_>) -> Vec<Function> {
    let is_code = |symbol: &object::Symbol<'_, '_>| symbol.kind() == SymbolKind::Text && symbol.size() > 0;
    let mut functions: Vec<Function> = file
        .symbols()
        .filter(is_code)
        .map(|symbol| {
            // The lowest bit says that it is Thumb code.
            let begin = symbol.address() & !1;
            let name = addr2line::demangle_auto(symbol.name().expect("a name").into(), None);
            Function { name: without_hash(&name).to_owned(), begin, end: begin + symbol.size() }
        })
        .collect();
    functions.sort_by_key(|function| function.begin);
    functions
}

/// A name of the legacy mangling, without its hash.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

fn function_at(functions: &[Function], address: u64) -> Option<&str> {
    let after = functions.partition_point(|function| function.begin <= address);
    let function = functions.get(after.checked_sub(1)?)?;
    (address < function.end).then_some(&function.name)
}

fn calls<'a>(file: &object::File<'_>, functions: &'a [Function]) -> Vec<Call<'a>> {
    let mut calls = Vec::new();
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        for (at, relocation) in section.relocations() {
            let RelocationTarget::Symbol(target) = relocation.target() else { continue };
            let target = file.symbol_by_index(target).expect("the table has it").address() & !1;
            if let (Some(from), Some(to)) = (function_at(functions, at), function_at(functions, target)) {
                calls.push(Call { at, from, to });
            }
        }
    }
    calls
}

fn is_of_core(name: &str) -> bool {
    name.starts_with("core::") || name.starts_with("<core::")
}

/// The functions of `core` that can panic.
fn panicking<'a>(calls: &[Call<'a>]) -> BTreeSet<&'a str> {
    let mut panicking: BTreeSet<&str> = calls.iter().map(|call| call.to).filter(|&name| name == PANIC).collect();
    loop {
        let before = panicking.len();
        let reaches = calls.iter().filter(|call| is_of_core(call.from) && panicking.contains(call.to));
        let found: Vec<&str> = reaches.map(|call| call.from).collect();
        panicking.extend(found);
        if panicking.len() == before {
            return panicking;
        }
    }
}

/// The package of a function: that of its type, or of its trait where the type is a parameter.
fn package(function: &str) -> Option<&str> {
    let path = |name: &'_ str| -> Option<usize> { name.find("::").filter(|&end| name[..end].bytes().all(is_of_word)) };
    let name = function.trim_start_matches(['<', '&', '*', '[', '(']).trim_start_matches("mut ");
    let name = match path(name) {
        Some(_) => name,
        None => name.split_once(" as ")?.1,
    };
    path(name).map(|end| &name[..end])
}

fn is_of_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Whether a package is one of ours: a library of the project, or the program itself.
fn is_ours(package: &str) -> bool {
    package.starts_with("kabar") || package == "client_check"
}

/// The lines of the image. The loader applies every relocation that it finds, but the linker has
/// applied them: it gets a copy in which those of the lines are no relocations.
fn lines(file: &object::File<'_>, bytes: &[u8]) -> Loader {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes")));
    // The ELF header: offset of the section headers, their length and their number.
    let (headers, len, number) = (word(32), half(46), half(48));
    let mut copy = bytes.to_vec();
    for header in (0..number).map(|index| headers + index * len) {
        let (kind, of) = (word(header + 4), SectionIndex(word(header + 28)));
        let is_code = || file.section_by_index(of).is_ok_and(|section| section.kind() == SectionKind::Text);
        if kind == object::elf::SHT_REL as usize && !is_code() {
            copy[header + 4..header + 8].copy_from_slice(&object::elf::SHT_NULL.to_le_bytes());
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    std::fs::write(&path, copy).expect("the copy");
    Loader::new(path).expect("lines of the image")
}

/// The sites of an image: package and function, and the lines.
fn sites(elf: &Path) -> BTreeMap<(String, String), Vec<String>> {
    let bytes = std::fs::read(elf).expect("the image");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let functions = functions(&file);
    let calls = calls(&file, &functions);
    assert!(calls.len() > 1_000, "only {} calls: the relocations are missing", calls.len());
    let panicking = panicking(&calls);
    assert!(panicking.contains(PANIC), "an image in which nothing panics has not been built with this test in mind");
    let lines = lines(&file, &bytes);
    let mut sites = BTreeMap::<_, Vec<String>>::new();
    for call in calls.iter().filter(|call| !is_of_core(call.from) && panicking.contains(call.to)) {
        let mut frames = lines.find_frames(call.at).expect("lines of the call");
        let mut found = None;
        while let (None, Some(frame)) = (&found, frames.next().expect("lines of the call")) {
            let function =
                frame.function.and_then(|function| function.demangle().ok().map(std::borrow::Cow::into_owned));
            found = function.filter(|name| !is_of_core(name));
        }
        // What has no lines was not inlined.
        let found = found.unwrap_or_else(|| call.from.to_owned());
        let package = package(&found).unwrap_or(&found).to_owned();
        sites.entry((package, call.from.to_owned())).or_default().push(format!("{found} calls {}", call.to));
    }
    sites
}

/// The list, without the reasons: each of its lines is `COUNT PACKAGE FUNCTION`, and what follows
/// it, indented, is the reason.
fn listed(list: &str) -> BTreeMap<(String, String), usize> {
    let mut listed = BTreeMap::new();
    let mut lines = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let mut words = line.splitn(3, ' ');
        let (Some(count), Some(package), Some(function)) = (words.next(), words.next(), words.next()) else {
            panic!("no line of the list: {line}");
        };
        listed.insert((package.to_owned(), function.to_owned()), count.parse().expect("a count"));
        let mut has_reason = false;
        while lines.next_if(|line| line.starts_with("  ")).is_some() {
            has_reason = true;
        }
        assert!(has_reason, "no reason: {line}");
    }
    listed
}

#[test]
fn our_code_on_a_device_has_no_call_that_panics() {
    let sites = sites(client());
    let ours: Vec<_> = sites.iter().filter(|((package, _), _)| is_ours(package)).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[test]
fn calls_that_panic_in_other_packages_are_listed_with_a_reason() {
    let found: BTreeMap<_, _> = sites(client()).into_iter().map(|(site, lines)| (site, lines.len())).collect();
    let listed = listed(&std::fs::read_to_string(LIST).expect("the list"));
    for ((package, function), count) in &found {
        println!("{count} {package} {function}");
    }
    assert_eq!(found, listed, "found on the left, listed in embedded-example/firmware/panics.txt on the right");
}

#[test]
fn attributes_a_function_to_its_package() {
    for (function, expected) in [
        ("cipher::stream::StreamCipher::apply_keystream_inout", Some("cipher")),
        ("<chacha20poly1305::ChaChaPoly1305<C,N> as aead::AeadInOut>::encrypt", Some("chacha20poly1305")),
        ("<&curve25519_dalek::montgomery::MontgomeryPoint as core::ops::arith::Mul>::mul", Some("curve25519_dalek")),
        ("<T as kabar_core::wire::Encode>::encode", Some("kabar_core")),
        ("core::slice::<impl [T]>::copy_within", Some("core")),
        ("main", None),
    ] {
        assert_eq!(package(function), expected, "{function}");
    }
    assert!(is_ours("kabar_core") && is_ours("kabar_rsa") && !is_ours("hkdf"));
}
