"""The page, by what stays the same in it: the ids that other people's tests may rely on too."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from driving.processes import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator
    from playwright.sync_api import Page as Tab

WATCH = Path(__file__).with_name("watch.js").read_text(encoding="utf-8")
#: Flask's own server ends a WebSocket with an HTTP answer behind the closing frame.
_WERKZEUG = "Invalid frame header"


class Page:
    """The app's page in a tab of its own.

    Args:
        context: the user's.
        url: where it is.
        troubles: a pattern of what the console may complain of, since the test brings it about.

    Attributes:
        complaints: what else went wrong in it: exceptions, and errors of the console.
    """

    def __init__(self, context: BrowserContext, url: str, *, troubles: str = "") -> None:
        self.url = url
        self.complaints: list[str] = []
        self._expected = re.compile("|".join(filter(None, [_WERKZEUG, troubles])))
        self.tab: Tab = context.new_page()
        self.tab.set_default_timeout(1000 * PATIENCE)
        self.tab.add_init_script(WATCH)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self._listen)
        self.tab.goto(url)

    def __getitem__(self, name: str) -> Locator:
        """Find an element by its id."""
        return self.tab.locator(f"#{name}")

    @property
    def text(self) -> str:
        """The transcript."""
        return self.seen[-1]["transcript"]

    @property
    def seen(self) -> list[dict[str, str]]:
        """What it has told so far: its state and its texts, whenever one of them changed."""
        return self.tab.evaluate("seen")

    @property
    def states(self) -> list[str]:
        """The states that it went through."""
        told = [entry["state"] for entry in self.seen]
        return [state for state, _ in groupby(told)]

    def wait(self, state: str) -> None:
        """Wait for a state, or for an error."""
        script = """state => document.getElementById("transcript").dataset.state === state ||
            !document.getElementById("error").hidden"""
        self.until(script, state, f"the state {state!r}")
        now = self["transcript"].get_attribute("data-state")
        assert now == state, self["error"].text_content()

    def wait_for_words(self, pattern: str) -> None:
        """Wait until the page shows words, settled or not."""
        script = """pattern => new RegExp(pattern, "i").test(
            `${seen.at(-1)?.transcript} ${seen.at(-1)?.partial}`)"""
        self.until(script, pattern, repr(pattern))

    def wait_for_settled(self, count: int) -> None:
        """Wait until the transcript has so many words."""
        script = "count => (seen.at(-1)?.transcript ?? '').split(/\\s+/).length >= count"
        self.until(script, count, f"{count} words")

    def until(self, script: str, argument: object, what: str) -> None:
        """Wait until a function of the page's gives true; fails telling what is there instead."""
        try:
            self.tab.wait_for_function(script, arg=argument)
        except Exception as error:
            raise AssertionError(
                f"{what} did not come: {self.seen[-1:]}, {self.complaints}"
            ) from error

    def write(self, text: str) -> None:
        """Type at the transcript's end, as who corrects it."""
        self["transcript"].click()
        self.tab.keyboard.press("Control+End")
        self.tab.keyboard.type(text)

    def upload(self, path: Path) -> None:
        """Choose a file and have it transcribed."""
        self["audio-file"].set_input_files(path)
        self["transcribe"].click()

    def speak(self, transport: str = "") -> None:
        """Begin to speak, live."""
        self["more"].evaluate("more => (more.open = true)")
        self["transport"].select_option(transport)
        self["more"].evaluate("more => (more.open = false)")
        self["live"].click()

    def crash(self) -> None:
        """Have the tab die, without a chance to say goodbye."""
        from playwright.sync_api import Error  # noqa: PLC0415 - only who runs these has it

        with self.tab.expect_event("crash"), suppress(Error):
            self.tab.goto("chrome://crash")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self._expected.search(message.text):
            self.complaints.append(message.text)
