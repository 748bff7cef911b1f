#!/usr/bin/env bash
# Links the whole client for bare machines and holds it to its budget: no allocator, a new client all zero, flash and RAM.
set -euo pipefail
cd "$(dirname "$0")"

targets="thumbv6m-none-eabi thumbv7em-none-eabihf"
max_flash=$((112 * 1024))
max_ram=$((44 * 1024))

fail() {
    echo "link-check: $1" >&2
    exit 1
}

section() { # bytes of one section
    size -A "$1" | awk -v name="$2" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }'
}

missing=$(comm -23 <(tr ' ' '\n' <<<"$targets" | sort) <(rustup target list --installed | sort))
[ -z "$missing" ] || rustup target add $missing

for target in $targets; do
    cargo build --quiet --locked --release --bin link-check --target "$target"
    elf=target/$target/release/link-check

    vectors=$(section "$elf" .vectors)
    text=$(section "$elf" .text)
    rodata=$(section "$elf" .rodata)
    data=$(section "$elf" .data)
    bss=$(section "$elf" .bss)
    flash=$((vectors + text + rodata + data))
    ram=$((data + bss))

    # Address, size, kind, name.
    client=$(nm -S "$elf" | awk '$4 == "link_check_client" { print $2, $3 }')
    read -r client_size client_kind <<<"$client"
    client_size=$((16#${client_size:-0}))
    datagram=1200

    printf '%-22s flash %6d (vectors %d, text %d, rodata %d, data %d), static RAM %6d, client %6d\n' \
        "$target" "$flash" "$vectors" "$text" "$rodata" "$data" "$ram" $((client_size - datagram))

    [ "$text" -gt 16384 ] || fail "$target: the client was optimised away"
    [ "$client_size" -gt 8192 ] || fail "$target: there is no static client"
    case $client_kind in
    [bB]) ;;
    *) fail "$target: a new client is not all zero: its section is '$client_kind', not .bss" ;;
    esac
    if nm "$elf" | grep -E '__rust_alloc|__rust_realloc|__rg_alloc|__rdl_alloc|\b(malloc|calloc|realloc)$'; then
        fail "$target: an allocator is linked"
    fi
    [ "$flash" -le "$max_flash" ] || fail "$target: $flash bytes of flash, $max_flash are allowed"
    [ "$ram" -le "$max_ram" ] || fail "$target: $ram bytes of static RAM, $max_ram are allowed"
done
