"""One recording as it is uploaded and transcribed.

The bytes may arrive in one request or in many. They are held in memory until the decoder takes
them; no file is created.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Condition, Thread
from time import monotonic
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

import azstt
from azstt.backends import Emit, RecognizerBackend, RecognizerSession

from .jobs import INTERNAL, Job, Snapshot

_log = logging.getLogger(__name__)

#: Seconds without a byte after which an upload makes way for another one of the same browser.
_ABANDONED_AFTER = 10.0


class UploadRequest(BaseModel):
    """A page's request to upload and transcribe a recording.

    Attributes:
        size: the recording's size in bytes.
        fingerprint: tells its content from any other's.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["upload", "record"]
    name: Annotated[str, Field(max_length=200)]
    size: Annotated[int, Field(gt=0)]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{32,64}$")]
    language: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    diarize: bool = False
    phrases: Annotated[tuple[str, ...], Field(max_length=500)] = ()

    @property
    def id(self) -> str:
        """The same for the same content and options, whatever the name."""
        what = self.model_dump_json(exclude={"kind", "name"})
        return hashlib.sha256(what.encode()).hexdigest()[:32]


class OffsetError(Exception):
    """Bytes arrived that do not continue the upload."""


class _CanceledError(azstt.AzsttError):
    """The upload was canceled."""


class ObservedBackend:
    """A backend that also passes another one's events to an observer."""

    def __init__(self, backend: RecognizerBackend, observe: Emit) -> None:
        self._backend = backend
        self._observe = observe
        self.name = backend.name
        self.capabilities = backend.capabilities

    def open(
        self, options: azstt.RecognitionOptions, audio: azstt.AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Open a session of the other backend."""

        def emit_both(event: azstt.Event) -> None:
            self._observe(event)
            emit(event)

        return self._backend.open(options, audio, emit_both)


class Upload:
    """Transcribes a recording while it is uploaded. Thread-safe.

    Args:
        request: the page's request.
        backend: the recognizer to use.
        max_seconds: the longest recording.
        stall_timeout: seconds without a byte after which the upload fails.
        begin: begins a job, given its work, its first snapshot, and two names.

    Attributes:
        ended: when it ended, on the monotonic clock; None before.
    """

    def __init__(
        self,
        request: UploadRequest,
        backend: RecognizerBackend,
        *,
        max_seconds: float,
        stall_timeout: float,
        begin: Callable[..., Job],
    ) -> None:
        self._request = request
        self._backend = backend
        self._max_seconds = max_seconds
        self._stall_timeout = stall_timeout
        self._changed = Condition()
        self._waiting: deque[bytes] = deque()  # for the decoder
        self._heard = monotonic()
        self._canceled = False
        now = Snapshot(kind=request.kind, state="uploading", size=request.size)
        self._job: Job = begin(self, now, name=request.name, backend=backend.name)
        self.ended: float | None = None

    @property
    def abandoned(self) -> bool:
        """Whether nothing comes from its page any more; see `Work`."""
        return self.received < self._request.size and monotonic() - self._heard > _ABANDONED_AFTER

    @property
    def size(self) -> int:
        """The size of the recording in bytes."""
        return self._request.size

    @property
    def received(self) -> int:
        """The number of bytes received."""
        return self._job.now.received

    def start(self) -> None:
        """Start to transcribe in a thread."""

        def run() -> None:
            try:
                self._run()
            except Exception:  # noqa: BLE001 - the last chance to report it
                _log.exception("upload failed")
                self._finish()
                self._job.end(error=INTERNAL, retryable=True)

        Thread(target=run, name="upload", daemon=True).start()

    def write(self, offset: int, data: bytes) -> int:
        """Accept bytes, and return how many were received in total.

        Raises:
            OffsetError: these are not the next bytes, or they exceed the announced size.
        """
        with self._changed:
            end = offset + len(data)
            if offset != self.received or end > self.size:
                raise OffsetError(
                    f"{len(data)} bytes at {offset} do not fit: {self.received} of {self.size} "
                    "received so far"
                )
            self._heard = monotonic()
            if data:
                self._job.update(received=end)
                if self.ended is None:
                    self._waiting.append(data)
                    self._changed.notify_all()
                    if end == self.size:
                        self._job.advance("recognizing")
            return end

    def stop(self) -> None:
        """Stop, and keep what was recognized so far."""
        with self._changed:
            self._canceled = True
            self._changed.notify_all()

    def wait(self, timeout: float) -> None:
        """Wait until it has ended."""
        self._job.wait(timeout)

    def _run(self) -> None:
        capabilities = self._backend.capabilities
        try:
            transcript = azstt.transcribe_file(
                self._chunks(),
                backend=ObservedBackend(self._backend, self._job.follow),
                progress=self._progress,
                max_seconds=self._max_seconds,
                language=self._request.language,
                diarize=self._request.diarize,
                phrases=self._request.phrases,
                # A local recognizer is much faster than real time, and would cut the audio into
                # shorter segments to produce partials: its segments are enough.
                partials=capabilities.partials and not capabilities.offline,
            )
        except azstt.AzsttError as error:
            self._on_error(error)
        else:
            self._finish()
            self._job.end(transcript)

    def _on_error(self, error: azstt.AzsttError) -> None:
        self._finish()
        if not isinstance(error, _CanceledError):
            known = error.partial if error.partial and error.partial.text else None
            self._job.end(known, self._message(error), retryable=_is_retryable(error))
        elif self._job.now.segments:
            self._job.end(canceled=True)
        else:
            self._job.discard(canceled=True)

    def _message(self, error: azstt.AzsttError) -> str:
        """Return an error message for a user who knows the recording by its name."""
        if isinstance(error, azstt.AudioTooLargeError):
            limit = timedelta(seconds=round(self._max_seconds))
            return f"the recording is longer than {limit}, the limit of this server"
        if isinstance(error, azstt.AudioError):
            return str(error).replace(repr(error.source), repr(self._request.name))
        return str(error)

    def _chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive, for the decoder."""
        left = self._request.size
        while left:
            with self._changed:
                arrived = self._changed.wait_for(
                    lambda: self._waiting or self._canceled, self._stall_timeout
                )
                if self._canceled:
                    raise _CanceledError("it was canceled")
                if not arrived:
                    raise azstt.AudioSourceError(
                        f"the upload stopped: {megabytes(left)} of {megabytes(self.size)} are "
                        f"missing, and nothing arrived for {self._stall_timeout:g} s; send it again"
                    )
                chunk = self._waiting.popleft()
            left -= len(chunk)
            yield chunk

    def _progress(self, progress: azstt.Progress) -> None:
        if self._canceled:
            raise _CanceledError("it was canceled")
        self._job.update(
            decoded=progress.decoded, recognized=progress.recognized, total=progress.total
        )

    def _finish(self) -> None:
        with self._changed:
            self.ended = monotonic()
            self._waiting.clear()


def _is_retryable(error: azstt.AzsttError) -> bool:
    """Return whether the same recording may succeed later."""
    if isinstance(error, azstt.RecognitionError):
        return error.retryable
    return isinstance(error, azstt.AudioSourceError)  # bytes did not arrive


def megabytes(size: int) -> str:
    """Write a number of bytes for people, rounded up to 0.1 MB."""
    return f"{math.ceil(size / 1e5) / 10:g} MB"
