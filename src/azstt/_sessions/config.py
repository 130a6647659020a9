"""The configuration of a live session, checked before any I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._options import RecognitionOptions, check_flag, check_seconds
from azstt.backends import RecognizerBackend

Overflow: TypeAlias = Literal["block", "drop_oldest", "error"]


@dataclass(frozen=True, kw_only=True)
class LiveConfig:
    """The configuration of a live session; `LiveSession` explains the fields."""

    audio: AudioFormat | Container
    backend: RecognizerBackend
    options: RecognitionOptions
    overflow: Overflow
    buffer: float
    strict: bool
    idle_timeout: float | None
    has_hook: bool  # for reconnecting

    def __post_init__(self) -> None:
        """Check the arguments against each other and against the backend.

        Raises:
            ConfigurationError: names the argument, its value and what is possible.
        """
        backend, able = self.backend.name, self.backend.capabilities
        if not isinstance(self.audio, AudioFormat) and self.audio not in get_args(Container):
            raise ConfigurationError(
                f"audio={self.audio!r} is neither an AudioFormat nor one of "
                f"{', '.join(get_args(Container))}"
            )
        if self.overflow not in get_args(Overflow):
            raise ConfigurationError(
                f"overflow={self.overflow!r} is not one of {', '.join(get_args(Overflow))}"
            )
        check_seconds("buffer", self.buffer, optional=False)
        check_flag("strict", self.strict)
        check_seconds("idle_timeout", self.idle_timeout)
        if self.has_hook and not able.reconnects:
            raise ConfigurationError(
                f"the {backend!r} backend never reconnects; leave out on_reconnect"
            )
        if self.options.channels == "separate":
            raise ConfigurationError(
                "a live session mixes the channels; for channels='separate' open one for each"
            )
