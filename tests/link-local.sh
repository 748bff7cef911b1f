#!/usr/bin/env bash
# Two computers on one cable, with nothing but link-local addresses: network namespaces with a veth pair
# between them. Joins by the name and by the number of the interface of the side that joins, which are not
# those of the side that hosts. Needs root and iproute2.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$(mktemp -d)
near=kabar-near-$$ far=kabar-far-$$
server=
clean() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    ip netns del "$near" 2>/dev/null || true
    ip netns del "$far" 2>/dev/null || true
    rm -rf "$home"
}
trap clean EXIT

cargo build --quiet -p kabar-server -p kabar-client
ip netns add "$near"
ip netns add "$far"
# The two sides have different numbers, so that a number from the other side would lead nowhere.
ip -n "$near" link add name host0 index 40 type veth peer name guest0 index 70 netns "$far"
for side in "$near host0" "$far guest0"; do
    read -r space card <<<"$side"
    # No duplicate address detection: nobody else can have the address.
    ip netns exec "$space" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$card/accept_dad"
    ip -n "$space" link set lo up
    ip -n "$space" link set "$card" up
done
address=
for _ in $(seq 100); do
    address=$(ip -n "$near" -6 -o addr show dev host0 scope link | sed -n 's/.*inet6 \([^/]*\).*/\1/p' | head -n 1)
    [ -n "$address" ] && break
    sleep 0.1
done
[ -n "$address" ] || { echo "host0 got no link-local address"; exit 1; }

listen() { # where to listen; sets $server and $invite
    rm -f "$home/out"
    ip netns exec "$near" target/debug/kabar-server --listen "$1" --data-dir "$home/server" >"$home/out" 2>"$home/err" </dev/null &
    server=$!
    invite=
    for _ in $(seq 600); do
        invite=$(grep '^kabar://' "$home/out" || true)
        [ -n "$invite" ] && return
        sleep 0.1
    done
    echo "no invite:" && cat "$home/out" "$home/err" && exit 1
}

join() { # an invite
    echo hello | timeout 30 ip netns exec "$far" target/debug/kabar join "$1" --name guest --data-dir "$home/guest"
}

for where in '[::]:0' "[$address%host0]:0" "[$address%40]:0"; do
    listen "$where"
    case $invite in
    "kabar://$address:"*) ;;
    *) echo "the invite should name $address, without an interface: $invite" && exit 1 ;;
    esac
    if join "$invite" 2>"$home/err"; then
        echo "joined without an interface" && exit 1
    fi
    grep -q 'guest0' "$home/err" || { echo "it should name guest0:" && cat "$home/err" && exit 1; }
    for zone in %guest0 %70 %25guest0; do
        join "${invite/$address/$address$zone}" >"$home/said" 2>"$home/err" || { cat "$home/err" && exit 1; }
    done
    join lobby >"$home/said" 2>"$home/err" || { cat "$home/err" && exit 1; }
    kill "$server" && wait "$server" || true
    server=
done
echo "link-local addresses lead from one computer to the other"
