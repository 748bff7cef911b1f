"""Checks the table of SPEC section 9: every test that it names exists.

usage: spec-table.py SPEC.md TEST-LIST      (TEST-LIST: the output of `cargo test -- --list`)
"""

import re
import sys


def main() -> int:
    spec, listing = sys.argv[1:3]
    tests = {line.rsplit(": ", 1)[0] for line in open(listing, encoding="utf-8") if line.rstrip().endswith(": test")}
    section = open(spec, encoding="utf-8").read().split("\n## 9.", 1)[1]
    named = re.findall(r"^\|[^|]*\|[^|]*\|(.*)\|\s*$", section, flags=re.M)
    expected = [name for cell in named for name in re.findall(r"`([a-z0-9_:]+)`", cell)]
    missing = [name for name in expected if not any(test == name or test.endswith("::" + name) for test in tests)]
    for name in missing:
        print(f"SPEC section 9 names a test that does not exist: {name}")
    print(f"{len(expected)} tests named in SPEC section 9, {len(missing)} missing, {len(tests)} tests in all")
    return 1 if missing or len(expected) < 40 else 0


sys.exit(main())
