"""``azstt live``: text from the microphone or a pipe as it is spoken."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

from azstt._assembly.missing import how_much
from azstt._audio.microphone import Microphone, microphone
from azstt._audio.portaudio import devices, own_format
from azstt._captions.formats import txt
from azstt._cli.backends import choose_backend
from azstt._cli.inputs import StdinPipe
from azstt._cli.outputs import MICROPHONE, STDIN, Outputs, display_name, report_problems
from azstt._cli.terminal import TextPrinter, notify, report_error, text_printer, write_table
from azstt._errors import AzsttError, ConfigurationError, MissingDependencyError
from azstt._events import AudioGap, Event, Final, Partial, Reconnecting
from azstt._options import OptionFields
from azstt._sessions.blocking import BlockingLiveSession
from azstt._transcript import Transcript


@dataclass(frozen=True, kw_only=True)
class LiveRequest:
    """The command line of `azstt live`.

    Attributes:
        pipe: standard input; None for the microphone.
        device: the microphone's number or part of its name; None for the system's.
        outputs: where the transcript is saved at the end; None for nowhere.
    """

    pipe: StdinPipe | None
    device: int | str | None
    outputs: Outputs | None
    backend: str | None
    strict: bool
    options: OptionFields
    quiet: bool
    debug: bool

    @property
    def source(self) -> str:
        """The source as `Outputs` knows it."""
        return STDIN if self.pipe else MICROPHONE


class _LiveRun:
    """One run of `azstt live`: a session and its source.

    Attributes:
        failures: errors raised after the start.
        transcript: the transcript at the end.
        stopped: Ctrl-C was pressed.
        unsaved: the transcript could not be written.
    """

    def __init__(self, request: LiveRequest, source: StdinPipe | Microphone) -> None:
        self.failures: list[AzsttError] = []
        self.transcript: Transcript | None = None
        self.stopped: bool = False
        self.unsaved: bool = False
        self._request: LiveRequest = request
        self._source: StdinPipe | Microphone = source
        self._session: BlockingLiveSession = BlockingLiveSession(
            audio=source.audio,
            backend=choose_backend(request.backend, quiet=request.quiet),
            strict=request.strict,
            **request.options,
        )

    def run(self) -> None:
        """Print text until the source ends or is stopped, then save the transcript.

        Raises:
            AzsttError: it could not start. Later errors are added to ``failures``.
            KeyboardInterrupt: Ctrl-C was pressed a second time.
        """
        with self._source, self._session, self._handling_ctrl_c():
            if not (self._request.quiet or self._request.pipe):
                notify("listening; press Ctrl-C to finish")
            Thread(target=self._feed, name="azstt source", daemon=True).start()
            try:
                with text_printer() as printer:
                    for event in self._session:
                        self._show(event, printer)
            except AzsttError as error:
                self.failures.append(error)
            finally:
                self.transcript = self._session.transcript
                self._save(self.transcript)

    def report_problems(self) -> None:
        """Report what the text itself does not show."""
        transcript = self.transcript
        error = self.failures[0] if self.failures else None
        if transcript and (transcript.segments or not error):
            report_problems(self._request.source, transcript, error, details="--save FILE.json")
        if isinstance(self._source, Microphone) and (times := self._source.overflows):
            notify(f"audio from the microphone was lost {times} times: this machine is too slow")

    @contextmanager
    def _handling_ctrl_c(self) -> Generator[None]:
        """Let the first Ctrl-C stop the source, and the second one everything."""
        default = signal.getsignal(signal.SIGINT)

        def stop() -> None:
            self.stopped = True
            self._source.close()

        def on_first(*_: object) -> None:
            signal.signal(signal.SIGINT, default)
            Thread(target=stop, name="azstt stop", daemon=True).start()

        if default is not signal.SIG_IGN:  # ignored in a shell's background jobs
            signal.signal(signal.SIGINT, on_first)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, default)

    def _feed(self) -> None:
        with suppress(AzsttError):  # what ends the session is raised where events are read
            for chunk in self._chunks():
                self._session.send(chunk)
            self._session.finish()

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield from self._source
        except AzsttError as error:  # the audio before it is still recognized
            self.failures.append(error)

    def _show(self, event: Event, printer: TextPrinter) -> None:
        match event:
            case Partial():
                printer.partial(event.stable, event.tail)
            case Final(segment=segment):
                printer.line(txt([segment]) if segment.text else "")
            case Reconnecting() if not self._request.quiet:
                printer.notice(f"connection lost ({event.reason}); reconnecting")
            case AudioGap() if not self._request.quiet:
                printer.notice(f"{how_much([event.seconds])} of audio was lost ({event.reason})")
            case _:
                pass

    def _save(self, transcript: Transcript) -> None:
        """Write the transcript, even if incomplete, where it was asked for."""
        request = self._request
        if request.outputs is None or (self.failures and not transcript.segments):
            return
        try:
            request.outputs.write(request.source, transcript, first=True)
        except OSError as error:
            report_error(error, about=display_name(request.source), debug=request.debug)
            self.unsaved = True


def listen(request: LiveRequest) -> bool:
    """Print live text and save the transcript.

    Returns:
        Whether everything succeeded.

    Raises:
        ConfigurationError: the options do not fit the microphone or the backend.
        MissingDependencyError: an extra is not installed.
        KeyboardInterrupt: Ctrl-C was pressed twice, or before the end of the pipe.
    """
    with warnings.catch_warnings():
        # Lost audio is reported below.
        warnings.simplefilter("ignore", Warning if request.quiet else RuntimeWarning)
        source = request.pipe or microphone(device=request.device, audio=own_format(request.device))
        live_run = _LiveRun(request, source)
        try:
            live_run.run()
        except (ConfigurationError, MissingDependencyError):
            raise
        except AzsttError as error:
            live_run.failures.append(error)
    for failure in live_run.failures:
        report_error(failure, about=display_name(request.source), debug=request.debug)
    if not request.quiet:
        live_run.report_problems()
    if live_run.stopped and request.pipe and not live_run.failures:
        raise KeyboardInterrupt
    return not (live_run.failures or live_run.unsaved)


def show_devices() -> None:
    """Print the table of microphones. The name comes last, as it may contain spaces."""
    table = [["NUMBER", "DEFAULT", "CHANNELS", "RATE", "NAME"]]
    for device in devices():
        default = "yes" if device.is_default else "no"
        numbers = (str(device.channels), str(device.sample_rate))
        table.append([str(device.number), default, *numbers, device.name])
    write_table(table)
