#!/usr/bin/env python3
"""The page of `kabar web` in a real browser: headless Chromium, driven by Playwright.

    python3 tests/web/run.py target/debug [CASE...]

Each case is a function of `cases.py`. Screenshots are in target/screenshots. Playwright brings its driver as a Python
package, and uses the Chromium of the system: nothing else is downloaded.
"""

import inspect
import os
import shutil
import sys
import tempfile
import time

import cases
from playwright.sync_api import sync_playwright

from programs import World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def main():
    programs, *wanted = sys.argv[1:]
    screenshots = os.path.join(os.path.dirname(os.path.abspath(programs)), "screenshots")
    os.makedirs(screenshots, exist_ok=True)
    all_cases = [case for name, case in inspect.getmembers(cases, inspect.isfunction) if name.startswith("case_")]
    all_cases.sort(key=lambda case: case.__code__.co_firstlineno)
    failed = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        # Chromium's sandbox needs rights that containers do not give; nothing foreign is opened.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for case in all_cases:
            name = case.__name__.removeprefix("case_")
            if wanted and name not in wanted:
                continue
            begin = time.monotonic()
            world = World(os.path.abspath(programs), tempfile.mkdtemp(dir=home))
            try:
                case(cases.Browsers(browser, screenshots), world)
                print(f"{time.monotonic() - begin:6.1f} s  {name}", flush=True)
            except Exception as error:
                failed.append(name)
                print(f"FAILED {name}: {error}", flush=True)
            finally:
                for context in browser.contexts:
                    context.close()
                world.end()
        browser.close()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
