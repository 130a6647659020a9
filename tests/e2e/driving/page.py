"""The page, driven by the stable element IDs that other tests may use too."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from driving.processes import TIMEOUT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator
    from playwright.sync_api import Page as Tab

WATCH = Path(__file__).with_name("watch.js").read_text(encoding="utf-8")
#: Flask's development server appends an HTTP response to a closed WebSocket.
_WERKZEUG = "Invalid frame header"


class Page:
    """The app's page in its own tab.

    Args:
        context: the user's browser context.
        url: the page's URL.
        expected_errors: a pattern of console errors that the test causes.

    Attributes:
        errors: all other errors: exceptions, and errors on the console.
    """

    def __init__(self, context: BrowserContext, url: str, *, expected_errors: str = "") -> None:
        self.url = url
        self.errors: list[str] = []
        self._expected = re.compile("|".join(filter(None, [_WERKZEUG, expected_errors])))
        self.tab: Tab = context.new_page()
        self.tab.set_default_timeout(1000 * TIMEOUT)
        self.tab.add_init_script(WATCH)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", self._on_console)
        self.tab.goto(url)

    def __getitem__(self, name: str) -> Locator:
        """Find an element by its ID."""
        return self.tab.locator(f"#{name}")

    @property
    def text(self) -> str:
        """The transcript."""
        return self.seen[-1]["transcript"]

    @property
    def seen(self) -> list[dict[str, str]]:
        """The history of its state and texts, one entry per change."""
        return self.tab.evaluate("seen")

    @property
    def states(self) -> list[str]:
        """The states it has been in."""
        states = [entry["state"] for entry in self.seen]
        return [state for state, _ in groupby(states)]

    def wait(self, state: str) -> None:
        """Wait for a state, or for an error."""
        script = """state => document.getElementById("transcript").dataset.state === state ||
            !document.getElementById("error").hidden"""
        self.until(script, state, f"the state {state!r}")
        now = self["transcript"].get_attribute("data-state")
        assert now == state, self["error"].text_content()

    def wait_for_words(self, pattern: str) -> None:
        """Wait until the page shows text that matches, final or not."""
        script = """pattern => new RegExp(pattern, "i").test(
            `${seen.at(-1)?.transcript} ${seen.at(-1)?.partial}`)"""
        self.until(script, pattern, repr(pattern))

    def wait_for_settled(self, count: int) -> None:
        """Wait until the transcript has this many words."""
        script = "count => (seen.at(-1)?.transcript ?? '').split(/\\s+/).length >= count"
        self.until(script, count, f"{count} words")

    def until(self, script: str, argument: object, what: str) -> None:
        """Wait until a JavaScript function returns true; on a timeout, report the page."""
        try:
            self.tab.wait_for_function(script, arg=argument)
        except Exception as error:
            raise AssertionError(
                f"timed out waiting for {what}: {self.seen[-1:]}, {self.errors}"
            ) from error

    def write(self, text: str) -> None:
        """Type at the end of the transcript, as a correction."""
        self["transcript"].click()
        self.tab.keyboard.press("Control+End")
        self.tab.keyboard.type(text)

    def upload(self, path: Path) -> None:
        """Choose a file and transcribe it."""
        self["audio-file"].set_input_files(path)
        self["transcribe"].click()

    def speak(self, transport: str = "") -> None:
        """Start a live session."""
        self["more"].evaluate("more => (more.open = true)")
        self["transport"].select_option(transport)
        self["more"].evaluate("more => (more.open = false)")
        self["live"].click()

    def beside(self, url: str = "") -> Page:
        """Open the page in another tab of the same browser."""
        return Page(self.tab.context, url or self.url, expected_errors=self._expected.pattern)

    def crash(self) -> None:
        """Crash the tab."""
        from playwright.sync_api import Error  # noqa: PLC0415 - needed only when these tests run

        with self.tab.expect_event("crash"), suppress(Error):
            self.tab.goto("chrome://crash")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self._expected.search(message.text):
            self.errors.append(message.text)
