#!/usr/bin/env python3
"""Runs the benches `packets` and `crypto` and prints their results as Markdown tables.

    tests/benches/table.py              run and print
    tests/benches/table.py FILE...      print the results of earlier runs

Every figure is the fastest sample, which other load on the machine disturbed least.
"""

import platform
import re
import subprocess
import sys

UNITS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}
ROW = re.compile(r"^((?:│  |   )*)[├╰]─ (\S+)\s+(?:(\d[\d.]*) (ns|µs|ms|s)\b)?")


def parse(text):
    """Parses Divan's output into {path: nanoseconds of the fastest sample}."""
    figures, path, root = {}, [], ""
    for line in text.splitlines():
        if re.match(r"^\w+\s+fastest", line):
            root, path = line.split()[0], []
        elif match := ROW.match(line):
            indent, name, number, unit = match.groups()
            path = path[: len(indent) // 3] + [name]
            if number:
                figures["/".join([root, *path])] = float(number) * UNITS[unit]
    return figures


def format_time(nanoseconds):
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def packets(figures):
    crc = {p: figures[f"packets/crc/check_1200/{p}"] for p in ("Portable", "Accelerated")}
    alone = {"seal": figures["packets/sealed/aws_lc_seal_1167"], "open": figures["packets/sealed/aws_lc_open_1167"]}
    rows = []
    for label, name in (
        ("CRC pass alone", "crc/check_1200"),
        ("decode Sealed, CRC checked", "codec/decode_sealed_1200"),
        ("decode Hello, CRC checked", "codec/decode_hello_1200"),
        ("encode Hello, CRC added", "codec/encode_hello_1200"),
        ("seal, CRC added", "sealed/seal_1200"),
        ("open", "sealed/open_1200"),
    ):
        row = [label]
        for provider in ("Portable", "Accelerated"):
            time = figures[f"packets/{name}/{provider}"]
            row += [format_time(time), f"{time / crc[provider]:.2f}"]
        kind = label.split(",")[0]
        accelerated = figures[f"packets/{name}/Accelerated"]
        row.append(f"{accelerated / alone[kind]:.2f}" if kind in alone else "")
        rows.append(row)
    head = ["1200 bytes", "portable", "x CRC pass", "accelerated", "x CRC pass", "accelerated, x AWS-LC alone"]
    table(head, rows)


def handshakes(figures):
    rows = []
    for bits in (2048, 3072, 4096):
        client = figures[f"packets/handshake/client_side/Portable/{bits}"]
        server = figures[f"packets/handshake/server_side/Accelerated/{bits}"]
        row = [f"RSA-{bits}", format_time(client), format_time(server)]
        for other in ("rust_crypto", "aws_lc"):
            one = figures.get(f"crypto/rsa_private/oaep_{other}/{bits}")
            row += [format_time(one), f"{server / one:.2f}"] if one else ["", ""]
        rows.append(row)
    head = ["whole handshake", "client", "server", "private operation of `rsa`", "server / `rsa`", "private operation of AWS-LC", "server / AWS-LC"]
    table(head, rows)


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
            return next(line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def main():
    if len(sys.argv) > 1:
        text = "".join(open(name, encoding="utf-8").read() for name in sys.argv[1:])
    else:
        command = ["cargo", "bench", "-p", "kabar-tests", "--bench", "packets", "--bench", "crypto"]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        compiler = subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        print(f"{processor()}, {platform.machine()}, {compiler}; the fastest sample of each.\n")
    figures = parse(text)
    packets(figures)
    handshakes(figures)


main()
