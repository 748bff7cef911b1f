#!/usr/bin/env bash
# Links the client alone, and a whole member with its IP stack, for bare-metal targets, and checks them: no
# allocator, all-zero initial memory (so that it takes no flash), flash and static RAM within the budget.
set -euo pipefail
cd "$(dirname "$0")"

targets="thumbv6m-none-eabi thumbv7em-none-eabihf"
max_ram=$((44 * 1024))

max_flash() { # the budget is that of a Cortex-M4; the same program takes a seventh more on a Cortex-M0
    case $1 in
    node-check/thumbv6m-*) echo $((128 * 1024)) ;;
    *) echo $((112 * 1024)) ;;
    esac
}

fail() {
    echo "link-check: $1" >&2
    exit 1
}

section() { # bytes of one section
    size -A "$1" | awk -v name="$2" '$1 == name { bytes = $2 } END { print bytes + 0 }'
}

missing=$(comm -23 <(tr ' ' '\n' <<<"$targets" | sort) <(rustup target list --installed | sort))
# shellcheck disable=SC2086 # one word per target
[ -z "$missing" ] || rustup target add $missing

# A program that links the crate `alloc` needs one of these, or the build fails; the symbols may be inlined.
if grep -rn --include='*.rs' 'global_allocator' src ../src ../../src ../../../core/src; then
    fail "an allocator is defined"
fi

for program in client-check node-check; do
    for target in $targets; do
        cargo build --quiet --locked --release --bin "$program" --target "$target"
        elf=${CARGO_TARGET_DIR:-../target}/$target/release/$program
        what="$program/$target"

        vectors=$(section "$elf" .vectors)
        text=$(section "$elf" .text)
        rodata=$(section "$elf" .rodata)
        data=$(section "$elf" .data)
        bss=$(section "$elf" .bss)
        flash=$((vectors + text + rodata + data))
        ram=$((data + bss))

        # Address, size, kind, name.
        static=$(nm -S "$elf" | awk '$4 == "checked_static" { print $2, $3 }')
        read -r static_size static_kind <<<"${static:-0 none}"
        static_size=$((16#$static_size))

        printf '%-32s flash %6d (text %d, rodata %d, data %d, vectors %d)  static RAM %d, of it the %s %d\n' \
            "$what" "$flash" "$text" "$rodata" "$data" "$vectors" "$ram" "${program%-check}" "$static_size"

        [ "$text" -gt 65536 ] || fail "$what: the client was optimised away"
        [ "$static_size" -gt 8192 ] || fail "$what: there is no static member"
        case $static_kind in
        [bB]) ;;
        *) fail "$what: a new member is not all zero: its kind is '$static_kind', not .bss" ;;
        esac
        if nm "$elf" | grep -E '__rust_alloc|__rust_realloc|__rg_alloc|__rdl_alloc| (malloc|calloc|realloc)$'; then
            fail "$what: an allocator is linked"
        fi
        [ "$flash" -le "$(max_flash "$what")" ] || fail "$what: $flash bytes of flash, $(max_flash "$what") are allowed"
        [ "$ram" -le "$max_ram" ] || fail "$what: $ram bytes of static RAM, $max_ram are allowed"
    done
done
