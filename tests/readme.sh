#!/usr/bin/env bash
# Types the commands that README.md shows: the command that hosts, the line it prints for the second laptop, and a bad path between
# the two; and checks every other command in it: the program has to accept it with all its options and `--help`.
# Each "laptop" has its own home; the port is a free one, so that two runs do not meet.
set -euo pipefail
cd "$(dirname "$0")/.."

for line in 'cargo kabar host' 'cargo kabar join kabar://' 'cargo kabar-server --data-dir DIRECTORY' 'kabar-server restore FILE' 'tests/ci.sh'; do
    grep -q "^$line" README.md || { echo "README.md has no line that begins with: $line"; exit 1; }
done

home=$(mktemp -d)
host=
trap '[ -z "$host" ] || kill "$host" 2>/dev/null || true; rm -rf "$home"' EXIT
mkdir "$home/first" "$home/second"
# rustup and cargo keep their own homes.
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}

cargo build --release --quiet --bin kabar --bin kabar-server
cargo build --quiet -p kabar-client -p kabar-server -p kabar-embedded-example --bins
# Builds them as the tests do: other features of dependencies would compile everything again.
cargo test --quiet -p kabar-tests --no-run --test relay
python3 tests/readme-commands.py README.md embedded-example/README.md
mkfifo "$home/typed"
HOME=$home/first cargo kabar host --name darryl --listen 127.0.0.1:0 <"$home/typed" >"$home/host.out" 2>"$home/host.err" &
host=$!
exec 3>"$home/typed"

invite=
for _ in $(seq 300); do
    invite=$(sed -n 's/.*kabar join \(kabar:[^ ]*\).*/\1/p' "$home/host.err" | head -n 1)
    [ -n "$invite" ] && break
    sleep 0.1
done
[ -n "$invite" ] || { echo "cargo kabar host printed no invite:"; cat "$home/host.err"; exit 1; }

echo "hello from the second laptop" |
    HOME=$home/second timeout 60 cargo kabar join "$invite" --name farhan >"$home/join.out" 2>"$home/join.err"
for _ in $(seq 100); do
    grep -q 'farhan: hello from the second laptop' "$home/host.out" && break
    sleep 0.1
done
grep 'farhan: hello from the second laptop' "$home/host.out" || { cat "$home"/*.out "$home"/*.err; exit 1; }

# The relay's line of README.md, on free ports.
address=${invite#kabar://} && address=${address%%/*}
relay_options=$(sed -n 's/^cargo run -p kabar-tests --bin kabar-relay -- --listen [^ ]* --to [^ ]* //p' README.md)
[ -n "$relay_options" ] || { echo "README.md does not show kabar-relay"; exit 1; }
# shellcheck disable=SC2086 # one word per option
target/debug/kabar-relay --listen 127.0.0.1:0 --to "$address" $relay_options >"$home/relay.out" &
relay=$!
for _ in $(seq 100); do
    through=$(sed -n 's/^relaying \([^ ]*\) .*/\1/p' "$home/relay.out")
    [ -n "$through" ] && break
    sleep 0.1
done
seq -f 'through the relay %g' 200 |
    HOME=$home/second timeout 120 cargo kabar join "${invite/$address/$through}" --name farhan >"$home/through.out" 2>>"$home/join.err"
kill -INT "$relay" && wait "$relay"
for _ in $(seq 100); do
    grep -q 'farhan: through the relay 200' "$home/host.out" && break
    sleep 0.1
done
diff <(seq -f 'through the relay %g' 200) <(sed -n 's/.*farhan: \(through the relay .*\)/\1/p' "$home/host.out")
cat "$home/relay.out"

exec 3>&-
wait "$host"
host=
# A backup of that room, and its restoration.
HOME=$home/first cargo kabar-server backup "$home/backup.db"
HOME=$home/first cargo kabar-server restore "$home/backup.db"
HOME=$home/first cargo kabar-server history --last 1000 >"$home/history.out"
grep -q 'farhan: through the relay 200' "$home/history.out" || { cat "$home/history.out"; exit 1; }
echo "what README.md says works"
