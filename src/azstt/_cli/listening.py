"""What ``azstt live`` does: text while somebody speaks, from the microphone or a pipe."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

from azstt._audio.microphone import Microphone, microphone
from azstt._audio.portaudio import devices, own_format
from azstt._captions.formats import txt
from azstt._cli.backends import choose_backend
from azstt._cli.inputs import Pipe
from azstt._cli.outputs import MICROPHONE, STDIN, Outputs, name_of, remark
from azstt._cli.terminal import GrowingText, complain, growing_text, say, write_table
from azstt._errors import AzsttError, ConfigurationError, MissingDependencyError
from azstt._events import AudioGap, Event, Final, Partial, Reconnecting
from azstt._options import OptionFields
from azstt._sessions.blocking import BlockingLiveSession
from azstt._transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class LiveRequest:
    """What `azstt live` was asked to do.

    Attributes:
        pipe: what comes through standard input; None hears the microphone.
        device: which microphone.
        outputs: where the transcript goes in the end; None is nowhere.
    """

    pipe: Pipe | None
    device: int | str | None
    outputs: Outputs | None
    backend: str | None
    options: OptionFields
    quiet: bool
    debug: bool

    @property
    def source(self) -> str:
        """What the source is called."""
        return STDIN if self.pipe else MICROPHONE


class _Hearing:
    """A session and its source, while both last."""

    def __init__(self, request: LiveRequest, source: Pipe | Microphone) -> None:
        self.failures: list[AzsttError] = []
        self.transcript: Transcript | None = None
        self.stopped: bool = False
        self.unsaved: bool = False
        self._request: LiveRequest = request
        self._source: Pipe | Microphone = source
        self._session: BlockingLiveSession = BlockingLiveSession(
            audio=source.audio,
            backend=choose_backend(request.backend, quiet=request.quiet),
            **request.options,
        )

    def run(self) -> None:
        """Show what is said until the source ends or is stopped; then save it.

        Raises:
            AzsttError: it could not even begin; what fails later is in ``failures``.
            KeyboardInterrupt: a second Ctrl-C.
        """
        with self._source, self._session, self._stopped_by_ctrl_c():
            if not (self._request.quiet or self._request.pipe):
                say("listening; Ctrl-C ends it")
            Thread(target=self._feed, name="azstt source", daemon=True).start()
            try:
                with growing_text() as shown:
                    for event in self._session:
                        self._show(event, shown)
            except AzsttError as error:
                self.failures.append(error)
            finally:
                self.transcript = self._session.transcript
                self._save(self.transcript)

    def remark(self) -> None:
        """Say what the text itself doesn't show."""
        heard, whole = self.transcript, not self.failures
        if heard and (heard.segments or whole):
            remark(self._request.source, heard, whole=whole, where="--save FILE.json")
        if isinstance(self._source, Microphone) and (times := self._source.overflows):
            say(f"audio from the microphone was lost {times} times: the machine is too slow")

    @contextmanager
    def _stopped_by_ctrl_c(self) -> Generator[None]:
        """Have the first Ctrl-C stop the source, and a second one everything."""
        usual = signal.getsignal(signal.SIGINT)

        def stop() -> None:
            self.stopped = True
            self._source.close()

        def first(*_: object) -> None:
            signal.signal(signal.SIGINT, usual)
            Thread(target=stop, name="azstt stop", daemon=True).start()

        if usual is not signal.SIG_IGN:  # as a shell has it for what runs in the background
            signal.signal(signal.SIGINT, first)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    def _feed(self) -> None:
        with suppress(AzsttError):  # what ends the session is told to the one who reads events
            for piece in self._pieces():
                self._session.send(piece)
            self._session.finish()

    def _pieces(self) -> Iterator[bytes]:
        try:
            yield from self._source
        except AzsttError as error:  # what came before it is still recognized
            self.failures.append(error)

    def _show(self, event: Event, shown: GrowingText) -> None:
        match event:
            case Partial():
                shown.partial(event.stable, event.tail)
            case Final(segment=segment):
                shown.line(txt([segment]) if segment.text else "")
            case Reconnecting() if not self._request.quiet:
                shown.notice(f"the connection was lost ({event.reason}); connecting again")
            case AudioGap() if not self._request.quiet:
                shown.notice(f"{event.duration:.1f} s of audio were lost ({event.reason})")
            case _:
                pass

    def _save(self, transcript: Transcript) -> None:
        """Write the transcript, as far as it goes, where it was wanted."""
        request = self._request
        if request.outputs is None or (self.failures and not transcript.segments):
            return
        try:
            request.outputs.deliver(request.source, transcript, first=True)
        except OSError as error:
            complain(error, about=name_of(request.source), debug=request.debug)
            self.unsaved = True


def listen(request: LiveRequest) -> bool:
    """Show what is said, and save it.

    Returns:
        Whether all went well.

    Raises:
        ConfigurationError: it can't be heard or recognized so.
        MissingDependencyError: an extra is not installed.
        KeyboardInterrupt: it was stopped at once, or before the pipe was at its end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of lost audio, which is told below
        source = request.pipe or microphone(device=request.device, audio=own_format(request.device))
        hearing = _Hearing(request, source)
        try:
            hearing.run()
        except (ConfigurationError, MissingDependencyError):
            raise
        except AzsttError as error:
            hearing.failures.append(error)
    for failure in hearing.failures:
        complain(failure, about=name_of(request.source), debug=request.debug)
    if not request.quiet:
        hearing.remark()
    if hearing.stopped and request.pipe and not hearing.failures:
        raise KeyboardInterrupt
    return not (hearing.failures or hearing.unsaved)


def show_devices() -> None:
    """Write the table of microphones; the name, which may hold spaces, comes last."""
    table = [["NUMBER", "DEFAULT", "CHANNELS", "RATE", "NAME"]]
    for device in devices():
        default = "yes" if device.is_default else "no"
        numbers = (str(device.channels), str(device.sample_rate))
        table.append([str(device.number), default, *numbers, device.name])
    write_table(table)
