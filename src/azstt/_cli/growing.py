"""A transcript as text that grows while somebody speaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from azstt._captions.formats import srt
from azstt._captions.layout import Limits
from azstt._cli.files import append_to_file, can_grow, write_file
from azstt._cli.outputs import FORMATS
from azstt._result import Segment
from azstt._transcript import Transcript

#: Seconds from one attempt to bring a file up to date to the next, if it must be rewritten for
#: that, or can't be written.
_PAUSE = 1.0
#: The longer a file is, the rarer it is rewritten: so many characters a second at most.
_PACE = 500_000

#: The formats that grow at their end.
GROWING = [name for name in FORMATS if name != "json"]


class GrowingText:
    """The text of a format, piece by piece; together the pieces are a valid file.

    Captions may differ from those of the whole transcript: the last caption of a segment does not
    know when the next one begins, and each segment names its speaker.

    Attributes:
        header: the text before the first segment.
    """

    def __init__(self, name: str) -> None:
        self._name: str = name
        self._captions: int = 0
        self.header: str = self._render()

    def add(self, segment: Segment) -> str:
        """Return the text to append for the next segment."""
        if self._name != "srt":
            return self._render(segment).removeprefix(self.header)
        text = srt([segment], Limits(), first=self._captions + 1)
        self._captions += text.count(" --> ")  # which the text of a caption never contains
        return text

    def _render(self, *segments: Segment) -> str:
        return FORMATS[self._name](Transcript(backend="", segments=segments))


class GrowingFile:
    """A transcript's file, kept up to date while the transcript grows.

    Segments are appended as they come. JSON cannot grow at its end, so it is rewritten: about once
    a second, and less often once it is long.

    Args:
        name: its format.
        path: the file.
        force: replace an existing file.
    """

    def __init__(self, name: str, path: Path, *, force: bool) -> None:
        self._path: Path = path
        self._name: str = name
        self._new: bool = not force
        self._begun: bool = False
        self._text: GrowingText | None = GrowingText(name) if name in GROWING else None
        self._pieces: str = self._text.header if self._text else ""
        self._stale: bool = False
        self._due: float = 0.0

    def add(self, segment: Segment) -> None:
        """Take the next segment; `update` writes it."""
        self._stale = True
        if self._text:
            self._pieces += self._text.add(segment)

    def update(self, transcript: Callable[[], Transcript]) -> None:
        """Bring the file up to date, if it is time; call it about once a second.

        Args:
            transcript: returns what was recognized so far.

        Raises:
            OSError: it can't be written; a later call tries again.
        """
        began = monotonic()
        if not self._stale or began < self._due or not can_grow(self._path):
            return
        self._due = began + _PAUSE
        if self._text is None:
            self._write(text := FORMATS[self._name](transcript()))
            self._due = max(self._due, began + len(text) / _PACE)
        elif self._begun:
            append_to_file(self._path, self._pieces)
            self._due = 0.0
        else:
            self._write(self._pieces)
            self._due = 0.0
        self._stale, self._pieces = False, ""

    def finish(self, transcript: Transcript) -> None:
        """Write the whole transcript, unless that is what the file contains.

        Raises:
            OSError: it can't be written; the file is as it was.
        """
        text = FORMATS[self._name](transcript)
        with suppress(OSError):
            if self._begun and self._path.read_bytes() == text.encode():
                return
        self._write(text)

    def _write(self, text: str) -> None:
        write_file(self._path, text, new=self._new and not self._begun)
        self._begun = True
