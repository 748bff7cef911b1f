#!/usr/bin/env python3
"""Checks the commands in documents: the programs accept each of them, with all its options and `--help`.

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


# Replaces INVITE in documents, because programs parse the invite before they handle `--help`.
INVITE = f"kabar://host:9999/lobby/{'A' * 32}.{'A' * 26}"


def commands(text):
    """Yields the lines of sh blocks, and code in prose that begins with a program and an argument."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        yield from block.splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for code in re.findall(r"`([^`]+)`", prose):
        if re.match(r"(cargo )?kabar(-[a-z]+)? \S", code):
            yield code


def words(line):
    """Returns the program and its arguments, or None if the line runs none of PROGRAMS."""
    line = line.split(" #")[0].split("|")[-1]
    line = re.sub(r"kabar://\S*FINGERPRINT\.SECRET", "INVITE", line)
    line = re.sub(r"^\s*cargo run .*(?:--bin|-p) (\S+) --(?= )", r"\1", line).replace("INVITE", INVITE)
    line = re.sub(r"^\s*(cargo |target/release/)?", "", line)
    parts = shlex.split(line)
    return parts if parts and parts[0] in PROGRAMS else None


def main():
    wrong, checked = [], 0
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            for line in commands(file.read()):
                parts = words(line)
                if parts is None:
                    continue
                checked += 1
                result = subprocess.run([PROGRAMS[parts[0]], *parts[1:], "--help"], capture_output=True, text=True, timeout=30)
                if result.returncode != 0 or "Usage" not in result.stdout:
                    wrong.append(f"{name}: {line}\n    {result.stderr.strip()}")
    if wrong or checked < 10:
        sys.exit("\n".join(["commands that the programs reject:", *wrong, f"{checked} commands checked"]))
    print(f"{checked} commands are accepted with all their options")


main()
