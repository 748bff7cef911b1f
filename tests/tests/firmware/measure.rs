//! Measures the firmware's size and work, and compares them with the budget and with earlier
//! figures.
//!
//! The figures are in `embedded-example/firmware/figures.txt`. A figure that grows by more than 3 %
//! fails; `KABAR_FIGURES=write` writes the file, and the commit that does so gives the reason.
//! Instructions are counted, not cycles: there are no wait states and no slow multiplier.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use kabar_tests::qemu::{Board, Cable, Image, Machine, Program, firmware, image};
use kabar_tests::room::Room;
use object::{Object, ObjectSection, ObjectSymbol};

use crate::device::{COUNTING, Device};

/// The maximum of these figures, independent of earlier ones.
const BUDGET: [(&str, u64); 3] = [
    ("flash, bytes", 112 * 1024),
    ("static RAM and peak stack, bytes", 44 * 1024),
    ("handshake and join, instructions", 8_000_000),
];
/// Figures without a budget, in the order of the file.
const FURTHER: [&str; 21] = [
    "flash: .text, bytes",
    "flash: .rodata, bytes",
    "flash: .data and vectors, bytes",
    "static RAM, bytes",
    "peak stack, bytes",
    "longest step, instructions",
    "seal 64 bytes, instructions",
    "open 64 bytes, instructions",
    "seal 1167 bytes, instructions",
    "open 1167 bytes, instructions",
    "an identity's public half, which is kept, instructions",
    "smaller board (Cortex-M3) flash, bytes",
    "other processor (RISC-V) flash, bytes",
    "other processor (RISC-V) static RAM, bytes",
    "with updates: flash, bytes",
    "with updates: static RAM and peak stack, bytes",
    "with updates: longest step, instructions",
    CONSUMER[0].1,
    CONSUMER[1].1,
    CONSUMER[0].2,
    CONSUMER[1].2,
];
/// The builds of a consumer, who has none of the firmware's settings: flags of the compiler, and
/// the figures of the client and of the C library.
const CONSUMER: [(&str, &str, &str); 2] = [
    ("", "consumer: whole client, no flags, flash, bytes", "consumer: C library, no flags, flash, bytes"),
    (
        r#"--cfg sha2_backend="soft" --cfg sha2_backend_soft="compact""#,
        "consumer: whole client, sha2_backend flags, flash, bytes",
        "consumer: C library, sha2_backend flags, flash, bytes",
    ),
];
pub(crate) const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedded-example");
const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedded-example/firmware/figures.txt");

type Figures = BTreeMap<&'static str, u64>;

#[test]
fn stays_within_its_budget_and_its_kept_figures() {
    let mut figures = Figures::new();
    let m4 = firmware(Board::An386);
    measure_sections(m4, &mut figures);
    run_member(m4, &mut figures);
    seal_and_open(&mut figures);
    run_update(&mut figures);
    figures.insert("static RAM and peak stack, bytes", figures["static RAM, bytes"] + figures["peak stack, bytes"]);
    figures.insert("smaller board (Cortex-M3) flash, bytes", flash(&sections(firmware(Board::An385).path)));
    let other = sections(firmware(Board::Virt).path);
    figures.insert("other processor (RISC-V) flash, bytes", flash(&other));
    figures.insert("other processor (RISC-V) static RAM, bytes", static_ram(&other));
    [Board::An386, Board::An385, Board::Lm3s6965, Board::Virt].map(firmware).into_iter().for_each(check);
    consumer(&mut figures);

    let table = table(&figures);
    println!("{table}");
    for (name, most) in BUDGET {
        assert!(figures[name] <= most, "{name}: {} is more than {most}", figures[name]);
    }
    if std::env::var("KABAR_FIGURES").is_ok_and(|word| word == "write") {
        std::fs::write(FIGURES, table).expect("the file of figures");
        return;
    }
    let kept = std::fs::read_to_string(FIGURES).expect("the file of figures");
    let grown: Vec<String> = grown(&kept, &figures);
    assert!(
        grown.is_empty(),
        "{}\nif it is intended, run with KABAR_FIGURES=write and give the reason in the commit",
        grown.join("\n")
    );
}

#[test]
fn finds_a_figure_that_grows_by_more_than_3_percent() {
    let figures: Figures = all().map(|name| (name, 1000)).collect();
    let kept = table(&figures);
    assert!(grown(&kept, &figures).is_empty());
    let more = |by: u64| -> Figures {
        all().map(|name| (name, if name.contains("rodata") { 1000 + by } else { 1000 })).collect()
    };
    assert!(grown(&kept, &more(30)).is_empty());
    assert_eq!(grown(&kept, &more(31)), ["flash: .rodata, bytes: 1000 before, 1031 now"]);
    assert_eq!(grown("", &figures).len(), figures.len(), "a figure that is not in the file counts as grown");
}

fn all() -> impl Iterator<Item = &'static str> {
    BUDGET.iter().map(|(name, _)| *name).chain(FURTHER)
}

fn table(figures: &Figures) -> String {
    let mut table =
        String::from("# Cortex-M4, `thumbv7em-none-eabihf`, as tests/tests/firmware/measure.rs measures it.\n");
    for name in all() {
        let _ = writeln!(table, "{name:56} {:>9}", figures[name]);
    }
    table
}

/// The figures that are more than 3 % above the file's, or not in the file.
fn grown(kept: &str, figures: &Figures) -> Vec<String> {
    let kept: BTreeMap<&str, u64> = kept
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, figure)| Some((name.trim(), figure.parse().ok()?)))
        .collect();
    let is_grown = |name: &str, now: u64| kept.get(name).is_none_or(|&before| now * 100 > before * 103);
    let grown = figures.iter().filter(|&(&name, &now)| is_grown(name, now));
    grown.map(|(name, now)| format!("{name}: {} before, {now} now", kept.get(name).unwrap_or(&0))).collect()
}

/// Measures the sizes of an image's sections.
fn measure_sections(image: Image, figures: &mut Figures) {
    let sizes = sections(image.path);
    let of = |names: &[&str]| names.iter().filter_map(|&name| sizes.get(name)).sum::<u64>();
    figures.insert("flash, bytes", flash(&sizes));
    figures.insert("flash: .text, bytes", of(&[".text"]));
    figures.insert("flash: .rodata, bytes", of(&[".rodata"]));
    figures.insert("flash: .data and vectors, bytes", of(&[".data", ".vector_table"]));
    figures.insert("static RAM, bytes", static_ram(&sizes));
}

/// Checks that no allocator is linked, and that all-zero memory takes no flash.
fn check(image: Image) {
    let elf = std::fs::read(image.path).expect("the image");
    let file = object::File::parse(&*elf).expect("an ELF file");
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or_default();
        let is_allocator =
            ["__rust_alloc", "__rdl_alloc", "__rg_alloc", "malloc"].iter().any(|part| name.contains(part));
        assert!(!is_allocator, "an allocator is linked: {name}");
    }
    let sizes = sections(image.path);
    assert_eq!(sizes[".data"], 0, "a new member is all zero: {:?}", image.board);
    assert!(sizes[".bss"] > 16 * 1024, "the member is in .bss: {:?}", image.board);
}

fn flash(sizes: &BTreeMap<String, u64>) -> u64 {
    let names = [".vectors", ".vector_table", ".text", ".init.rust", ".rodata", ".data"];
    names.iter().filter_map(|&name| sizes.get(name)).sum()
}

fn static_ram(sizes: &BTreeMap<String, u64>) -> u64 {
    [".data", ".bss", ".uninit"].iter().filter_map(|&name| sizes.get(name)).sum()
}

fn sections(path: &Path) -> BTreeMap<String, u64> {
    let elf = std::fs::read(path).expect("the image");
    let file = object::File::parse(&*elf).expect("an ELF file");
    file.sections().map(|section| (section.name().unwrap_or_default().to_owned(), section.size())).collect()
}

/// Measures a handshake, a join, the longest entry, a command and readings, with a real server.
fn run_member(image: Image, figures: &mut Figures) {
    let room = Room::open();
    let mut anna = room.client("anna");
    let (mut device, first) = join(image, &room, "probe");
    // On a busy computer late datagrams are sent again, which only adds work: the figure is the
    // minimum.
    let again = ["second", "third"].map(|name| join(image, &room, name).1);
    figures.insert("handshake and join, instructions", again.into_iter().fold(first, u64::min));
    anna.type_line(&"x".repeat(usize::from(kabar_device::profile::LARGEST_ENTRY)));
    anna.type_line("@probe status");
    anna.expect("probe: anna: reading ");
    assert_eq!(device.wait(), Some(0), "{}", device.transcript());
    let whole = device.log.iter().find(|line| line.contains("figures: longest")).expect("it logs figures at its end");
    figures.insert("longest step, instructions", instructions(number_before(whole, " ticks")));
    figures.insert("peak stack, bytes", number_before(whole, " bytes"));
}

/// A device that has joined, and the instructions for that.
fn join(image: Image, room: &Room, name: &'static str) -> (Machine, u64) {
    let device = Device::new(name).static_address().counting().every_ms(500).readings(10);
    let mut device = device.start(image, Cable::Plugged, room);
    let joined = device.expect("figures: join");
    let took = instructions(number_before(&joined, " ticks"));
    (device, took)
}

/// Measures the firmware that takes updates: a download of a few groups.
fn run_update(figures: &mut Figures) {
    let image = image(Board::An386, Program::Update);
    check(image);
    let sizes = sections(image.path);
    figures.insert("with updates: flash, bytes", flash(&sizes));
    let room = Room::open();
    let slot = room.home().join("slot");
    std::fs::write(&slot, vec![0xff; 1 << 17]).expect("an erased slot");
    let device = Device::new("probe").static_address().counting().every_ms(60_000).updates(&slot, "anna");
    let mut device = device.start(image, Cable::Plugged, &room);
    device.expect("joined as probe");
    let file = room.home().join("probe-2.fw");
    std::fs::write(&file, vec![7; 70_000]).expect("an image");
    crate::update::send(&room, &file, "anna");
    let line = device.expect("figures: update");
    let stack = number_before(&line, " bytes");
    figures.insert("with updates: static RAM and peak stack, bytes", static_ram(&sizes) + stack);
    figures.insert("with updates: longest step, instructions", instructions(number_before(&line, " ticks")));
}

fn seal_and_open(figures: &mut Figures) {
    let mut machine = Machine::start(&image(Board::An386, Program::Measure), Cable::Plugged, &[], &COUNTING);
    assert_eq!(machine.wait(), Some(0), "{}", machine.transcript());
    let line = machine.log.iter().find(|line| line.contains("figures: identity ")).expect("it logs figures");
    let deriving = instructions(number_before(line, " ticks"));
    figures.insert("an identity's public half, which is kept, instructions", deriving);
    for (len, names) in [
        ("64", ["seal 64 bytes, instructions", "open 64 bytes, instructions"]),
        ("1167", ["seal 1167 bytes, instructions", "open 1167 bytes, instructions"]),
    ] {
        let wanted = format!("figures: seal {len} ");
        let line = machine.log.iter().find(|line| line.contains(&wanted)).expect("it logs each length");
        let (sealing, opening) = line.split_once(", open").expect("both");
        figures.insert(names[0], instructions(number_before(sealing, " ticks")));
        figures.insert(names[1], instructions(number_before(opening, " ticks")));
    }
}

/// Measures the builds of a consumer.
fn consumer(figures: &mut Figures) {
    for (flags, client, c_library) in CONSUMER {
        figures.insert(client, flash(&sections(&consumer_client(flags))));
        figures.insert(c_library, flash(&sections(&consumer_c_library(flags))));
    }
}

/// Every call of the client in a program, in a plain release profile for size.
fn consumer_client(flags: &str) -> PathBuf {
    if flags.is_empty() {
        // Relocations and lines take no flash.
        return crate::panics::client().to_owned();
    }
    let firmware = Path::new(EXAMPLE).join("firmware");
    let mut build = cargo_build(&firmware.join("link-check"), &firmware.join("target/consumer"), flags);
    run(build.args(["--bin", "client-check", "--config", "consumer.toml"]));
    firmware.join("target/consumer/thumbv7em-none-eabihf/release/client-check")
}

/// The C library as its README builds it, linked with all of its functions in use.
fn consumer_c_library(flags: &str) -> PathBuf {
    let folder = Path::new(EXAMPLE).join("capi");
    run(&mut cargo_build(&folder, &folder.join("target"), flags));
    let library = folder.join("target/thumbv7em-none-eabihf/release/libkabar.a");
    let linked = library.with_file_name("linked.elf");
    let header = std::fs::read_to_string(folder.join("include/kabar.h")).expect("the header");
    let functions = header.lines().filter(|line| line.ends_with(");") || line.ends_with(','));
    let functions = functions.filter_map(|line| line.split_once('(')?.0.rsplit(' ').next());
    let functions: Vec<&str> = functions.filter(|name| name.starts_with("kabar_")).collect();
    assert!(functions.len() >= 11, "{functions:?}");
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc").stdout;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).expect("UTF-8").trim());
    let host = std::fs::read_dir(sysroot.join("lib/rustlib")).expect("a toolchain").filter_map(Result::ok);
    let linker = host.map(|host| host.path().join("bin/rust-lld")).find(|linker| linker.exists()).expect("rust-lld");
    let mut link = Command::new(linker);
    link.args(["-flavor", "gnu", "--gc-sections", "--defsym", "kabar_panicked=0", "-T"]);
    link.arg(Path::new(EXAMPLE).join("firmware/link-check/link-check.ld"));
    functions.iter().filter(|&&name| name != "kabar_panicked").for_each(|name| {
        link.args(["-u", name]);
    });
    run(link.arg("-o").arg(&linked).arg(&library));
    linked
}

/// A release build for the Cortex-M4 in `folder`, with `flags` in place of those of any
/// configuration.
pub(crate) fn cargo_build(folder: &Path, target: &Path, flags: &str) -> Command {
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(folder).args(["build", "--quiet", "--locked", "--release"]);
    build.args(["--target", "thumbv7em-none-eabihf", "--target-dir"]).arg(target);
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", flags);
    build
}

pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("it starts");
    assert!(status.success(), "{command:?}");
}

/// The number directly before `unit`.
fn number_before(line: &str, unit: &str) -> u64 {
    let before = line.split(unit).next().unwrap_or_default();
    let number = before.rsplit(' ').next().and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("no number before {unit:?}: {line}"))
}

/// A tick is 40 ns, an instruction 64 ns.
const fn instructions(ticks: u64) -> u64 {
    ticks * 40 / 64
}
