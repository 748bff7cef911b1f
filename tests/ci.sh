#!/usr/bin/env bash
# Everything that decides whether a change is good, by name, with the seconds each step took.
#
#   tests/ci.sh           all of it, at most 25 minutes on 2 cores from a clean checkout
#   tests/ci.sh STEP...   only these steps
#   tests/ci.sh long      the rest as well: 100,000 seeds, fuzzing, benches
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR=never
seeds=${KABAR_SIM_SEEDS:-2000}

targets() { # what a device build needs
    rustup target add thumbv6m-none-eabi thumbv7m-none-eabi thumbv7em-none-eabihf riscv32imac-unknown-none-elf
}

format() {
    cargo fmt --all --check
    cargo fmt --check --manifest-path core/fuzz/Cargo.toml
    cargo fmt --all --check --manifest-path embedded-example/firmware/Cargo.toml
}

lint() {
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p kabar-core --target thumbv6m-none-eabi -- -D warnings
    cargo clippy -p kabar-embedded-example --lib --no-default-features --target thumbv7em-none-eabihf -- -D warnings
    (cd embedded-example/firmware && cargo clippy --release --workspace -- -D warnings)
    (cd embedded-example/firmware && cargo clippy --release --target riscv32imac-unknown-none-elf -- -D warnings)
}

spelling() {
    local tools=target/python-tools
    [ -x "$tools/bin/typos" ] || { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet 'typos>=1.30'; }
    "$tools/bin/typos" .
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
}

build() {
    cargo build --workspace --bins
}

unit() { # every test but the ones that have a step of their own
    cargo test --workspace --lib --bins
    cargo test --workspace --doc
    cargo test -p kabar-tests --test vectors --test fuzz_replay
}

simulation() { # the promise, over many seeds, and each known mistake found
    KABAR_SIM_SEEDS=$seeds cargo test -p kabar-tests --test simulation -- --nocapture
}

processes() { # real programs over loopback, and the device's program
    if ! compgen -G '/usr/lib*/*/faketime/libfaketimeMT.so.1' >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends libfaketime
    fi
    cargo test -p kabar-tests --test processes --test server --test storage --test client --test terminal --test streams --test device --test bench --test relay --test reliability -- --nocapture
}

link_local() { # two computers on one cable, in network namespaces
    if [ "$(id -u)" != 0 ]; then
        echo "not tried: network namespaces need root"
        return
    fi
    if ! command -v ip >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends iproute2
    fi
    bash tests/link-local.sh
}

devices() { # the whole client links without an allocator, within its budget
    bash embedded-example/firmware/link-check/link-check.sh
}

firmware() { # a device in the emulator, with its network card, and what it costs
    if ! command -v qemu-system-arm >/dev/null || ! command -v qemu-system-riscv32 >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends qemu-system-arm qemu-system-misc
    fi
    # The first version that carries Ethernet frames in datagrams.
    for emulator in qemu-system-arm qemu-system-riscv32; do
        version=$("$emulator" --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')
        printf '7.2\n%s\n' "$version" | sort -V -C || { echo "$emulator 7.2 or newer is needed, this is $version"; return 1; }
    done
    rustup target add thumbv7m-none-eabi thumbv7em-none-eabihf riscv32imac-unknown-none-elf
    cargo test -p kabar-tests --test firmware -- --nocapture
}

device_links() { # the client for C, built and used as C programs do; devices on byte streams, in networks of their own
    if ! command -v ip >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends iproute2
    fi
    cargo fmt --check --manifest-path embedded-example/capi/Cargo.toml
    cargo test -p kabar-tests --test capi --test bridge
}

fuzz_targets() { # the fuzz targets still build (fuzzing itself needs nightly and is in `long`)
    cargo check --manifest-path core/fuzz/Cargo.toml
}

specification() { # every rule's test exists
    python3 tests/spec-table.py core/SPEC.md <(cargo test --workspace -- --list 2>/dev/null)
}

readme() { # what the README tells a person to type
    bash tests/readme.sh
}

long_simulation() {
    cargo run --release -p kabar-tests --bin kabar-sim -- --seeds 0..100000 --jobs 2
}

long_fuzzing() {
    command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
    (cd core/fuzz && cargo +nightly fuzz run packet -- -max_total_time=600)
}

long_benches() {
    cargo bench -p kabar-tests
}

quick_steps="targets format spelling lint documentation build unit simulation processes link_local devices firmware device_links fuzz_targets specification readme"
long_steps="long_simulation long_fuzzing long_benches"

case "${1:-}" in
"") steps=$quick_steps ;;
long) steps="$quick_steps $long_steps" ;;
*) steps=$* ;;
esac

report=""
for step in $steps; do
    printf '\n=== %s\n' "$step"
    begin=$SECONDS
    "$step"
    report+=$(printf '%6d s  %s' $((SECONDS - begin)) "$step")$'\n'
done
printf '\n=== all green\n%s%6d s  in all\n' "$report" "$SECONDS"
