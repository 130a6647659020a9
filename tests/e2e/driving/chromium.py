"""Debian's Chromium with a microphone that plays a file, and nobody to call."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only the tests that are run need it
    from playwright.sync_api import Browser, Playwright


def program() -> str | None:
    """Find the browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def launch(playwright: Playwright, microphone: Path | None) -> Browser:
    """Start it; without a microphone it has the machine's own, which a server lacks.

    Whether a page may use the microphone is each context's permission, as with a real user, so
    that one browser does for those who allow it and those who refuse.
    """
    flags = [
        "--disable-background-networking",
        "--disable-component-update",
        # No name but our own leads anywhere, whatever the browser would like to look up.
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
