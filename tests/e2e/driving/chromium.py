"""Debian's Chromium, with a microphone that plays a file and without network access."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # needed only when these tests run
    from playwright.sync_api import Browser, Playwright


def program() -> str | None:
    """Find the browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def launch(playwright: Playwright, microphone: Path | None) -> Browser:
    """Start the browser. Without a microphone file it uses the machine's own, if there is one.

    Access to the microphone is a permission of each context, as with a real user, so one browser
    serves tests that grant it and tests that deny it.
    """
    flags = [
        "--disable-background-networking",
        "--disable-component-update",
        # No host name but our own resolves, whatever the browser tries to look up.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    if microphone is not None:
        flags += [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        ]
    return playwright.chromium.launch(executable_path=program(), args=flags)
