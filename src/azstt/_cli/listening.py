"""``azstt live``: text from the microphone or a pipe as it is spoken."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from signal import SIGINT
from threading import Thread
from time import monotonic

import anyio

from azstt._assembly.missing import describe
from azstt._audio.microphone import Microphone, microphone
from azstt._audio.portaudio import devices, own_format
from azstt._cli.backends import choose_backend
from azstt._cli.growing import GrowingFile, GrowingText
from azstt._cli.inputs import StdinPipe
from azstt._cli.outputs import MICROPHONE, STDIN, Outputs, display_name, report_problems
from azstt._cli.signals import Stopped, on_signals
from azstt._cli.terminal import (
    StdoutError,
    TextPrinter,
    notify,
    reason,
    report_error,
    text_printer,
    write_table,
)
from azstt._errors import (
    AzsttError,
    ConfigurationError,
    MissingDependencyError,
    RecognitionTimeoutError,
)
from azstt._events import AudioGap, Event, Final, Partial, Reconnecting
from azstt._options import LiveOptions
from azstt._result import Gap
from azstt._sessions.blocking import BlockingLiveSession
from azstt._transcript import Transcript

#: Seconds after which the files are looked after, even if there was no event.
_TICK = 1.0
#: Seconds that the last results may take after a signal that no person sent.
_GRACE = 30.0


@dataclass(frozen=True, kw_only=True)
class LiveRequest:
    """The command line of `azstt live`.

    Attributes:
        pipe: standard input; None for the microphone.
        device: the microphone's number or part of its name; None for the system's.
        format: what is printed: one of `GROWING`.
        outputs: where the transcript is saved; None for nowhere.
    """

    pipe: StdinPipe | None
    device: int | str | None
    format: str
    outputs: Outputs | None
    backend: str | None
    strict: bool
    options: LiveOptions
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
        stopped: the signal that ended the recording, if one did.
        unread: why standard output can't be written any more.
        unsaved: the transcript could not be written.
    """

    def __init__(self, request: LiveRequest, source: StdinPipe | Microphone) -> None:
        self.failures: list[AzsttError] = []
        self.transcript: Transcript | None = None
        self.stopped: int | None = None
        self.unread: OSError | None = None
        self.unsaved: bool = False
        self._request: LiveRequest = request
        self._source: StdinPipe | Microphone = source
        self._session: BlockingLiveSession = BlockingLiveSession(
            audio=source.audio,
            backend=choose_backend(request.backend, quiet=request.quiet),
            strict=request.strict,
            idle_timeout=None,  # a pipe may pause for as long as it likes
            **request.options,
        )
        self._file: GrowingFile | None = _growing_file(request.outputs)
        self._text: GrowingText = GrowingText(request.format)
        self._deadline: float = math.inf
        self._told: set[str] = set()  # reasons of gaps
        self._save_failed: bool = False

    def run(self) -> None:
        """Print text until the source ends or is stopped, and save the transcript meanwhile.

        Raises:
            AzsttError: it could not start. Later errors are added to ``failures``.
            Stopped: the second signal, or it took too long after the first.
        """
        with self._source, self._session, on_signals(self._on_signal):
            if not (self._request.quiet or self._request.pipe):
                notify("listening; press Ctrl-C to finish")
            try:
                self._session.feed(self._source)
                self._follow()
            except AzsttError as error:
                self.failures.append(error)
            except BaseException:
                self._session.close(now=True)  # so that the ledger says what is missing
                raise
            finally:
                self.transcript = self._session.transcript
                self._save(self.transcript)

    def report_problems(self) -> None:
        """Report what the text itself does not show."""
        transcript = self.transcript
        error = self.failures[0] if self.failures else None
        if transcript and (transcript.segments or not error):
            report_problems(
                self._request.source,
                transcript,
                error,
                details="--save FILE.json",
                told=self._told,
            )
        if isinstance(self._source, Microphone) and (times := self._source.overflows):
            notify(f"microphone: audio was lost {times} times, as this machine is too slow")

    def _on_signal(self, number: int) -> None:
        """Stop the source at the first signal, and everything at the second."""
        if self.stopped is not None:
            self._deadline = 0.0  # for the case that the exception gets lost, as in a finalizer
            raise Stopped(number)
        self.stopped = number
        if number != SIGINT:  # nobody is there to press Ctrl-C again
            self._deadline = monotonic() + _GRACE
        Thread(target=self._source.close, name="azstt stop", daemon=True).start()

    def _follow(self) -> None:
        """Save and print what the events say, up to the end.

        Once it can't be printed, it is only saved; the recording ends only if that is because its
        reader has exited.

        Raises:
            OSError: it can't be printed, and it is saved nowhere.
        """
        try:
            with text_printer() as printer:
                printer.line(self._text.header)
                for event in self._events():
                    self._show(event, printer)
        except (BrokenPipeError, StdoutError) as error:
            self.unread = error
            if self._file is None:
                raise
            if isinstance(error, BrokenPipeError):
                self._source.close()
            else:
                notify(f"{error}; the transcript is still saved")
            for _ in self._events():
                pass

    def _events(self) -> Iterator[Event]:
        """Yield the events, after the saved transcript has them."""
        while True:
            if monotonic() > self._deadline and self.stopped:
                raise Stopped(self.stopped)
            try:
                event = self._session.receive(timeout=_TICK)
            except RecognitionTimeoutError:
                raise
            except TimeoutError:
                self._update()
                continue
            except anyio.EndOfStream:
                return
            if self._file and isinstance(event, Final) and event.segment.text:
                self._file.add(event.segment)
            self._update()
            yield event

    def _show(self, event: Event, printer: TextPrinter) -> None:
        match event:
            case Partial():
                printer.partial(event.stable, event.tail)
            case Final(segment=segment):
                printer.line(self._text.add(segment) if segment.text else "")
            case Reconnecting() if not self._request.quiet:
                printer.notice(f"connection lost ({event.reason}); reconnecting")
            case AudioGap() if not self._request.quiet:
                self._told.add(event.reason)
                gap = Gap(at=event.start, seconds=event.seconds, reason=event.reason)
                printer.notice(*describe([gap]))
            case _:
                pass

    def _update(self) -> None:
        """Bring the file up to date, with a notice when that fails for the first time."""
        if self._file is None:
            return
        try:
            self._file.update(lambda: self._session.transcript)
        except OSError as error:
            if not (self._save_failed or self._request.quiet):
                notify(f"{reason(error)}; trying again")
            self._save_failed = True

    def _save(self, transcript: Transcript) -> None:
        """Write the transcript, even if incomplete, where it was asked for."""
        request = self._request
        if self._file is None or (self.failures and not transcript.segments):
            return
        try:
            self._file.finish(transcript)
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
        Stopped: a signal ended it; the first Ctrl-C is the end of a recording from the microphone.
        BrokenPipeError: the reader of standard output has exited.
        StdoutError: standard output can't be written, and nothing is saved.
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
        except OSError as error:
            if error is not live_run.unread:
                raise
    return _conclude(live_run, request)


def _conclude(live_run: _LiveRun, request: LiveRequest) -> bool:
    """Report how it went, and return whether everything succeeded; raises what `listen` does."""
    stopped, unread = live_run.stopped, live_run.unread
    for failure in live_run.failures:
        if isinstance(failure, ConfigurationError):  # standard input is not what was declared
            raise failure
        report_error(failure, about=display_name(request.source), debug=request.debug)
    if not (request.quiet or (unread and request.outputs is None)):
        live_run.report_problems()
    if live_run.failures or live_run.unsaved:
        return False
    if stopped and (request.pipe or stopped != SIGINT):
        raise Stopped(stopped)
    if unread is not None and (isinstance(unread, BrokenPipeError) or request.outputs is None):
        raise unread
    return unread is None


def _growing_file(outputs: Outputs | None) -> GrowingFile | None:
    return GrowingFile(*outputs.file, force=outputs.force) if outputs else None


def show_devices() -> None:
    """Print the table of microphones. The name comes last, as it may contain spaces."""
    table = [["NUMBER", "DEFAULT", "CHANNELS", "RATE", "NAME"]]
    for device in devices():
        default = "yes" if device.is_default else "no"
        numbers = (str(device.channels), str(device.sample_rate))
        table.append([str(device.number), default, *numbers, device.name])
    write_table(table)
