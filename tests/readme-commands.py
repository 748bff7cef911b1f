#!/usr/bin/env python3
"""Every command of ours that a document shows is known, with all its options: `... --help` is answered.

Usage: readme-commands.py FILE...      (the programs are in target/release and target/debug)
"""

import re
import shlex
import subprocess
import sys

PROGRAMS = {
    "kabar": "target/release/kabar",
    "kabar-server": "target/release/kabar-server",
    "kabar-embedded-example": "target/debug/kabar-embedded-example",
    "kabar-relay": "target/debug/kabar-relay",
    "kabar-bench": "target/debug/kabar-bench",
    "kabar-qemu": "target/debug/kabar-qemu",
    "kabar-sim": "target/debug/kabar-sim",
}


# Where a document says INVITE; programs read it before they come to `--help`.
INVITE = f"kabar://host:9999/lobby/{'A' * 32}.{'A' * 26}"


def commands(text):
    """Whole lines of sh blocks, and code within prose that begins with a program and a word."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        yield from block.splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for code in re.findall(r"`([^`]+)`", prose):
        if re.match(r"(cargo )?kabar(-[a-z]+)? \S", code):
            yield code


def words(line):
    """The program and its arguments; None if the line runs none of ours."""
    line = line.split(" #")[0].split("|")[-1]
    line = re.sub(r"^\s*cargo run .*(?:--bin|-p) (\S+) --(?= )", r"\1", line).replace("INVITE", INVITE)
    line = re.sub(r"^\s*(cargo |target/release/)?", "", line)
    parts = shlex.split(line)
    return parts if parts and parts[0] in PROGRAMS else None


def main():
    wrong, asked = [], 0
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            for line in commands(file.read()):
                parts = words(line)
                if parts is None:
                    continue
                asked += 1
                answer = subprocess.run([PROGRAMS[parts[0]], *parts[1:], "--help"], capture_output=True, text=True, timeout=30)
                if answer.returncode != 0 or "Usage" not in answer.stdout:
                    wrong.append(f"{name}: {line}\n    {answer.stderr.strip()}")
    if wrong or asked < 10:
        sys.exit("\n".join(["not as the programs have it:", *wrong, f"{asked} commands asked"]))
    print(f"{asked} commands are known with all their options")


main()
