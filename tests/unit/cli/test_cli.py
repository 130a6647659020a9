"""The command, run as users run it: processes, pipes and terminals."""

from __future__ import annotations

import csv
import math
import os
import signal
import struct
import subprocess
import sys
import time

import pytest

from azstt import AudioFormat, Segment, Transcript, open_audio
from azstt._cli.app import run
from tests.beeps import mkv, wav
from tests.live_command import import_path

COMMAND = [sys.executable, "-m", "azstt"]
ASK_NOT = "ask not what your country can do for you"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

#: Backends, most with one failure each, installed the way third-party ones are.
PLUGIN = """
import sys
from azstt import AudioGap, Ended, Failed, Final, Segment, ServiceError, SpeechStarted
from azstt.backends import Capabilities
from azstt.testing import Cue, ScriptedBackend

SAID = Final(segment=Segment(text="Half a sentence", start=0.0, end=1.0, speaker="Ann"))

def failing():
    error = ServiceError("the service went away", hint="try again")
    return ScriptedBackend([SAID, Cue(event=Failed(error=error), at=2.0)], name="failing")

def forgetful():
    return ScriptedBackend([SAID, SpeechStarted(at=2.0)], name="forgetful")

def dropping():
    return ScriptedBackend([SAID, AudioGap(start=1.0, end=2.5, reason="dropped")], name="dropping")

class Hanging(ScriptedBackend):
    def __init__(self):
        super().__init__([SAID, Cue(event=Ended(position=2.0), at=1.5, delay=1e9)])

    def open(self, options, audio, emit):
        print("ready", file=sys.stderr, flush=True)
        return super().open(options, audio, emit)

def talking():
    return ScriptedBackend.saying("One <b>two</b>.", "Three.")

def polyglot():
    able = Capabilities(languages=frozenset("de en es fr it nl pt".split()))
    return ScriptedBackend(capabilities=able)

def broken():
    raise RuntimeError("no engine in here")
"""


@pytest.fixture(scope="session")
def plugins(tmp_path_factory):
    """Return a folder for the import path with an installed distribution of backends."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "azstt_faults.py").write_text(PLUGIN)
    info = folder / "azstt_faults-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: azstt-faults\nVersion: 1.0\n")
    names = ["failing", "forgetful", "dropping", "Hanging", "talking", "polyglot", "broken"]
    entries = "\n".join(f"{name.lower()} = azstt_faults:{name}" for name in names)
    (info / "entry_points.txt").write_text(f"[azstt.backends]\n{entries}\n")
    return folder


@pytest.fixture
def azstt(audio, plugins):
    """Run the command in a separate process, in the folder of test recordings."""

    def call(*args, stdin=b"", env=None):
        return subprocess.run(
            [*COMMAND, *map(str, args)],
            input=stdin,
            capture_output=True,
            cwd=audio,
            env={**os.environ, "PYTHONPATH": import_path(plugins), **(env or {})},
            check=False,
            timeout=120,
        )

    return call


@pytest.fixture
def here(monkeypatch, audio, plugins, capfdbinary):
    """Run the command in this process, which is faster."""
    monkeypatch.chdir(audio)
    monkeypatch.syspath_prepend(plugins)

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["azstt", *map(str, args)])
        status = run()
        out, err = capfdbinary.readouterr()
        return subprocess.CompletedProcess(args, status, out, err)

    return call


def error_of(done, status):
    """Return the one line of an error, which is the only output."""
    assert done.returncode == status
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    return line.removeprefix("azstt: ")


# -- outputs


def test_text_goes_to_stdout_and_notices_to_stderr(azstt):
    """Only the transcript is on standard output; one notice names the chosen backend."""
    done = azstt("transcribe", "jfk.wav")
    assert done.returncode == 0
    assert ASK_NOT in done.stdout.decode()
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.decode().startswith(
        "azstt: Azure is not configured; using 'local', which knows only English;"
    )
    assert len(done.stderr.splitlines()) == 1


def test_standard_input_may_be_a_pipe(azstt, audio):
    """Audio from a pipe is transcribed like a file."""
    data = (audio / "mediarecorder.webm").read_bytes()
    done = azstt("transcribe", "-", "--backend", "local", stdin=data)
    assert ASK_NOT in done.stdout.decode()
    assert done.stderr == b""


def test_an_output_may_be_standard_output(here):
    """A dash is standard output, and an empty path, as of an unset variable, is an error."""
    args = ("transcribe", "jfk.wav", "--backend", "talking", "-o")
    assert here(*args, "-").stdout == here(*args[:-1]).stdout != b""
    assert "the output is empty; name a file" in error_of(here(*args, ""), 2)


def test_every_format_into_a_folder(here, tmp_path):
    """A folder gets a file for each source and format, named after the source."""
    folder = tmp_path / "folder"
    formats = ("--format", "txt,srt", "--format", "vtt,JSON,csv,jsonl", "--output", folder)
    done = here("transcribe", "jfk.wav", "go_forward.ogg", "--backend", "talking", *formats)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    endings = ("csv", "json", "jsonl", "srt", "txt", "vtt")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{stem}.{ending}" for stem in ("jfk", "go_forward") for ending in endings
    )
    transcript = Transcript.model_validate_json((folder / "jfk.json").read_bytes())
    assert (folder / "jfk.txt").read_text() == transcript.to_txt()
    assert (folder / "jfk.srt").read_text() == transcript.to_srt()
    assert (folder / "jfk.vtt").read_text() == transcript.to_vtt()
    with (folder / "jfk.csv").open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [
            segment.text for segment in transcript.segments
        ]
    lines = (folder / "jfk.jsonl").read_text().splitlines()
    assert tuple(map(Segment.model_validate_json, lines)) == transcript.segments


def test_texts_of_several_files_have_headings(here):
    """Several texts have headings like those of `head`; a failure does not stop the others."""
    done = here("transcribe", "jfk.wav", "gone.wav", "go_forward.ogg", "--backend", "talking")
    assert done.returncode == 1
    text = "One <b>two</b>.\nThree.\n"
    assert done.stdout.decode() == f"==> jfk.wav <==\n{text}\n==> go_forward.ogg <==\n{text}"
    assert done.stderr.decode() == "azstt: no such file: 'gone.wav'\n"


def test_the_extension_of_the_output_sets_the_format(here, tmp_path):
    """Without --format, a .vtt file gets WebVTT, and one without an extension gets text."""
    here("transcribe", "jfk.wav", "--backend", "talking", "--output", tmp_path / "a.vtt")
    here("transcribe", "jfk.wav", "--backend", "talking", "--output", tmp_path / "b")
    assert (tmp_path / "a.vtt").read_text().startswith("WEBVTT\n")
    assert (tmp_path / "b").read_text() == "One <b>two</b>.\nThree.\n"


def test_nothing_is_overwritten_without_force(here, tmp_path):
    """An existing file stops the command before any work is done, unless --force is given."""
    args = ("transcribe", "jfk.wav", "--backend", "talking", "--output", tmp_path, "-f", "srt")
    (tmp_path / "jfk.srt").write_text("mine")
    assert error_of(here(*args), 2).endswith("jfk.srt' already exists; use --force to overwrite it")
    assert (tmp_path / "jfk.srt").read_text() == "mine"
    assert here(*args, "--force").returncode == 0
    assert "Three." in (tmp_path / "jfk.srt").read_text()


def test_the_recording_itself_is_never_overwritten(here, tmp_path, audio):
    """Not even --force lets a transcript replace its own source."""
    source = tmp_path / "talk.txt"
    source.write_bytes((audio / "jfk.wav").read_bytes())
    done = here("transcribe", source, "--force", "--output", source)
    assert "is the recording itself" in error_of(done, 2)


def test_part_of_the_audio(here):
    """--start and --end take seconds or clock times."""
    args = ("--backend", "local", "--start", "0:05", "--end", "00:00:07.7", "--format", "json")
    transcript = Transcript.model_validate_json(here("transcribe", "jfk.wav", *args).stdout)
    assert transcript.duration == pytest.approx(2.7, abs=0.05)
    assert "your country can do" in transcript.text


def test_a_track_can_be_chosen(here):
    """--track selects one of a video's audio tracks."""
    heard = [
        here("transcribe", "two_tracks.mkv", "--backend", "local", "--track", n).stdout
        for n in (0, 1)
    ]
    assert heard[0] != heard[1]


def test_other_tracks_are_reported(here):
    """If the file has more audio tracks, a notice says which one this is; not if it was chosen."""
    done = here("transcribe", "two_tracks.mkv", "--backend", "talking")
    notice = "this is audio track 0 of 2, counted from 0; azstt transcribe --track N takes another"
    assert done.stderr.decode() == f"azstt: two_tracks.mkv: {notice}\n"
    done = here("transcribe", "two_tracks.mkv", "--backend", "talking", "--track", 1)
    assert done.stderr == b""


def test_channels_that_cancel_each_other_are_reported(here, tmp_path):
    """A notice names the option that recognizes each channel by itself; then nothing cancels."""
    opposed = tmp_path / "opposed.wav"
    tone = (round(9000 * math.sin(sample * 0.2)) for sample in range(32_000))
    pcm = struct.pack("<64000h", *(value for level in tone for value in (level, -level)))
    opposed.write_bytes(wav(pcm, channels=2))
    done = here("transcribe", opposed, "--backend", "talking")
    assert "2.0 s of the channels cancel each other" in done.stderr.decode()
    assert "--channels separate" in done.stderr.decode()
    done = here("transcribe", opposed, "--backend", "talking", "--channels", "separate")
    assert done.stderr == b""


def test_silence_is_a_success_with_a_notice(here):
    """Audio without speech is no error, but a notice reports it."""
    done = here("transcribe", "silence.flac", "--backend", "local")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"azstt: silence.flac: no speech was found\n"


def test_another_language_is_not_passed_off_as_english(here):
    """Fluent English that nobody said is followed by a notice, once; not if it was said."""
    done = here("transcribe", "ja_common_voice.mp3", "jfk.wav", "--backend", "local")
    (notice,) = done.stderr.decode().splitlines()
    assert notice.startswith("azstt: ja_common_voice.mp3: the text is probably wrong")
    assert "the recognizer knows only en-US" in notice
    assert done.returncode == 0


def test_missing_audio_is_reported(here):
    """A notice says how much audio was dropped and where, and which option shows more."""
    done = here("transcribe", "jfk.wav", "--backend", "dropping")
    assert done.returncode == 0
    notice = (
        "jfk.wav: 1.5 s of audio is missing at 00:00:01.000 (dropped); --format json shows more"
    )
    assert done.stderr.decode() == f"azstt: {notice}\n"


def test_a_file_that_lacks_something_is_reported(here, tmp_path):
    """A notice says what is missing; with --strict there is an error instead, and status 1."""
    cut, holed = tmp_path / "cut.wav", tmp_path / "holed.mkv"
    cut.write_bytes(wav(bytes(176_000), lost=176_000))
    holed.write_bytes(mkv(bytes(176_000), holes=[(3.0, 7.0)]))
    done = here("transcribe", cut, holed, "--backend", "talking")
    first, second = done.stderr.decode().splitlines()
    said = "5.5 s of audio is missing at 00:00:05.500 (truncated: the recording ends too early)"
    assert (done.returncode, first) == (0, f"azstt: {cut}: {said}; --format json shows more")
    assert "7.0 s of audio is missing at 00:00:03.000 (absent: it was never stored)" in second
    strict = here("transcribe", cut, "--backend", "talking", "--strict")
    (line,) = strict.stderr.decode().splitlines()
    assert (strict.returncode, strict.stdout) == (1, b"One <b>two</b>.\nThree.\n")
    assert f"{cut}: incomplete transcript: {said}" in line
    assert here("transcribe", "jfk.wav", "--backend", "talking", "--strict").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev/stdin")
@pytest.mark.parametrize("source", ["-", "/dev/stdin"])
def test_the_same_is_said_of_standard_input(azstt, source):
    """Audio that stops while it is piped in is reported as the file is."""
    done = azstt(
        "transcribe", source, "--backend", "talking", stdin=wav(bytes(96_000), lost=96_000)
    )
    name = "standard input" if source == "-" else source
    said = "3.0 s of audio is missing at 00:00:03.000 (truncated: the recording ends too early)"
    assert done.stderr.decode() == f"azstt: {name}: {said}; --format json shows more\n"
    assert done.returncode == 0


def test_a_start_beyond_the_end_is_reported_with_the_length(here):
    """Nothing was transcribed: the message says why, for the file that is too short."""
    line = error_of(here("transcribe", "jfk.wav", "--start", "100", "--backend", "talking"), 2)
    assert line == "--start 100.0 is beyond the end of 'jfk.wav', which lasts 11.00 s"
    files = ("jfk.wav", "long.ogg")
    done = here("transcribe", *files, "--start", "100", "--backend", "talking")
    assert done.returncode == 1
    assert b"==> long.ogg <==" in done.stdout
    assert b"'jfk.wav', which lasts 11.00 s" in done.stderr


@pytest.mark.parametrize("args", [(), ("--backend", "dropping")])
def test_quiet(here, args):
    """--quiet leaves nothing but the transcript."""
    done = here("transcribe", "go_forward.ogg", "--quiet", *args)
    assert done.stdout
    assert done.stderr == b""


# -- errors


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("translate",), "no such command"),
        (("transcribe",), "missing argument 'FILE'"),
        (("transcribe", "jfk.wav", "--langage", "en"), "--language"),
        (("transcribe", "jfk.wav", "--track", "two"), "--track"),
        (("transcribe", "jfk.wav", "--track", "7"), "no track 7"),
        (
            ("transcribe", "jfk.wav", "--format", "doc"),
            "unknown format: 'doc'; use txt, srt, vtt, json, csv",
        ),
        (
            ("transcribe", "jfk.wav", "--output", "talk.doc"),
            "no format has the extension '.doc' of 'talk.doc'; use one of txt, srt, vtt, json, csv",
        ),
        (("transcribe", "jfk.wav", "--output", "no/talk.srt"), "can't write to folder 'no': No su"),
        (("transcribe", "jfk.wav", "--raw", "16000x65"), "in 1 to 64 channels"),
        (("transcribe", "jfk.wav", "--format", "srt,vtt"), "give a folder with --output"),
        (("transcribe", "jfk.wav", "go_forward.ogg", "-f", "srt"), "give a folder with --output"),
        (("transcribe", "a/x.wav", "b/x.mp3", "-o", "out"), "would both be written to"),
        (("transcribe", "jfk.wav", "--output", "jfk.wav/x.txt"), "choose another folder"),
        (("transcribe", "jfk.wav", "--start", "soon"), "--start: not a time: 'soon'"),
        (("emulator", "--seconds", "soon"), "--seconds: not a time: 'soon'"),
        (
            ("transcribe", "jfk.wav", "--start", "3", "--end", "2"),
            "--end 2.0 must be after --start 3.0",
        ),
        (("transcribe", "jfk.wav", "--timeout", "0"), "--timeout 0.0"),
        (("transcribe", "jfk.wav", "--language", "sv"), "it knows en"),
        (("transcribe", "jfk.wav", "-l", "en-US", "-l", "sv-SE"), "takes one language"),
        (("transcribe", "jfk.wav", "--diarize"), "--diarize"),
        (("transcribe", "jfk.wav", "--phrase", "azstt"), "--phrase;"),
        (("transcribe", "jfk.wav", "--backend", "no-such"), "installed are"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_line_and_status_2(here, args, said):
    """Invalid usage gives one line that includes the remedy, and status 2."""
    if args[:1] == ("transcribe",) and "--backend" not in args:
        args = (*args, "--backend", "local")
    assert said in error_of(here(*args), 2)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("gone.wav", "no such file: 'gone.wav'"),
        (".", "'.' is a directory"),
        ("manifest.json", "not audio or video"),
    ],
)
def test_bad_audio_is_one_line_and_status_1(here, file, said):
    """Unreadable audio gives one line, and status 1."""
    assert said in error_of(here("transcribe", file, "--backend", "local"), 1)


def test_empty_standard_input(azstt):
    """An empty pipe is an error that says so."""
    assert "empty" in error_of(azstt("transcribe", "-", "--backend", "local"), 1)


@pytest.mark.parametrize(
    ("backend", "more", "said"),
    [
        ("failing", (), "the service went away; try again"),
        ("forgetful", (), "have no result"),
        ("hanging", ("--timeout", "1"), "was not done within --timeout 1.0 s"),
    ],
)
def test_what_was_recognized_before_a_failure_is_written(azstt, backend, more, said):
    """A failure, a gap, or a timeout does not lose what was recognized before it."""
    done = azstt("transcribe", "jfk.wav", "--backend", backend, *more)
    assert done.returncode == 1
    assert done.stdout == b"Ann: Half a sentence\n"
    assert said in done.stderr.decode()
    assert "jfk.wav: the transcript ends early" in done.stderr.decode()


def test_an_option_that_does_not_fit_one_file_does_not_stop_the_others(here):
    """A track that one video lacks fails only that video."""
    files = ("two_tracks.mkv", "jfk.wav", "two_tracks.mkv")
    done = here("transcribe", *files, "--track", "1", "--backend", "talking")
    assert done.returncode == 1
    assert done.stdout.count(b"==> two_tracks.mkv <==") == 2
    assert b"no track 1: 'jfk.wav'" in done.stderr


def test_a_file_that_cannot_be_written(here, tmp_path):
    """A file that can't be written is named, and the others are written."""
    (tmp_path / "jfk.txt").mkdir()
    args = ("--backend", "talking", "--force", "--output", tmp_path)
    done = here("transcribe", "jfk.wav", "go_forward.ogg", *args)
    assert done.returncode == 1
    assert "jfk.txt" in done.stderr.decode()
    assert (tmp_path / "go_forward.txt").read_text() == "One <b>two</b>.\nThree.\n"


def test_debug_shows_the_traceback(here):
    """--debug prints the traceback above the error message."""
    done = here("transcribe", "gone.wav", "--backend", "local", "--debug")
    first, *_, last = done.stderr.decode().splitlines()
    assert first.startswith("Traceback")
    assert last == "azstt: no such file: 'gone.wav'"


def test_an_unexpected_error_is_reported_as_such(here):
    """A plugin's bug gives no traceback either, but a hint how to get one."""
    done = here("transcribe", "jfk.wav", "--backend", "broken")
    assert (done.returncode, done.stdout) == (1, b"")
    first, second = done.stderr.decode().splitlines()
    assert first == "azstt: internal error: RuntimeError: no engine in here"
    assert "--debug" in second


@pytest.mark.parametrize(
    ("missing", "args", "said"),
    [
        ("typer", (), "pip install 'azstt[cli]'"),
        ("rich", (), "pip install 'azstt[cli]'"),
        ("onnxruntime", ("transcribe", "jfk.wav", "--backend", "local"), "azstt[local]"),
    ],
)
def test_a_missing_extra_is_named(audio, missing, args, said):
    """If a library is not installed, one line names the extra to install."""
    code = f"import sys; sys.modules[{missing!r}] = None; from azstt_command import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, cwd=audio, check=False
    )
    assert said in error_of(done, 2)


def test_a_broken_installation_is_not_mistaken_for_a_missing_extra():
    """A missing module of azstt itself is shown as the bug it is."""
    missing = "azstt._cli.terminal"
    code = f"import sys; sys.modules[{missing!r}] = None; from azstt_command import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 1
    assert missing in done.stderr.decode()


# -- pipes, terminals, signals


def test_no_colors_in_pipes(azstt):
    """No control codes go into a pipe, whatever the environment says about colors."""
    env = {"FORCE_COLOR": "1", "GITHUB_ACTIONS": "true", "CLICOLOR_FORCE": "1"}
    for args in (["--help"], ["backends"], ["transcribe", "jfk.wav", "--backend", "talking"]):
        done = azstt(*args, env=env)
        assert b"\x1b" not in done.stdout + done.stderr


def test_a_reader_that_exits_early_causes_no_error_message(audio, plugins):
    """`azstt ... | head -1` ends quietly, with the status of a broken pipe."""
    process = subprocess.Popen(
        [*COMMAND, "transcribe", "jfk.wav", "--backend", "talking"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=audio,
        env={**os.environ, "PYTHONPATH": import_path(plugins)},
    )
    with process:
        process.stdout.close()
        stderr = process.stderr.read()
    assert (process.returncode, stderr) == (141, b"")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_at_once_and_keeps_what_was_recognized(audio, plugins, tmp_path, number):
    """Ctrl-C ends the command without a traceback; what was recognized by then is written."""
    output = tmp_path / "jfk.srt"
    process = subprocess.Popen(
        [*COMMAND, "transcribe", "jfk.wav", "--backend", "hanging", "--output", output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=audio,
        env={**os.environ, "PYTHONPATH": import_path(plugins)},
    )
    with process:
        assert process.stderr.readline() == b"ready\n"
        time.sleep(0.3)  # the interpreter may miss a signal just as its main thread starts to wait
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (128 + number, b"")
    early, stopped = stderr.decode().splitlines()
    assert early.startswith("azstt: jfk.wav: the transcript ends early: it has what was recognized")
    assert stopped == "azstt: stopped"
    assert "Ann: Half a sentence" in output.read_text()


def on_terminal(args, *, cwd):
    """Run the command with standard input and error on a pseudo-terminal.

    Returns:
        The exit status, standard output, and what was sent to the terminal.
    """
    import pty  # noqa: PLC0415 - not available on Windows

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *args],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how Linux reports that the other end is closed
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode(), shown.decode()


@posix
def test_the_bar_is_shown_on_a_terminal(audio):
    """On a terminal, a bar shows the file, the position, the total, and the speed."""
    status, out, shown = on_terminal(["transcribe", "jfk.wav", "--backend", "local"], cwd=audio)
    assert status == 0
    assert ASK_NOT in out
    assert "jfk.wav" in shown
    assert "00:00:11 of 00:00:11" in shown
    assert "x real time" in shown
    assert "\x1b" not in out


@posix
def test_quiet_shows_no_bar(audio):
    """--quiet shows nothing on the terminal."""
    args = ["transcribe", "go_forward.ogg", "--backend", "local", "--quiet"]
    status, out, shown = on_terminal(args, cwd=audio)
    assert (status, shown) == (0, "")
    assert out.startswith("Go forward")


@posix
def test_a_terminal_is_rejected_as_input(audio):
    """`azstt transcribe -` with nothing piped in says so instead of waiting for keys."""
    args = ["transcribe", "-", "--backend", "local"]
    status, out, shown = on_terminal(args, cwd=audio)
    assert (status, out) == (2, "")
    assert "standard input is a terminal" in shown


# -- the other commands


def test_backends_is_a_table(azstt):
    """Each row has a cell for each backend; a broken one does not hide the others."""
    done = azstt("backends")
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    labels, *columns = zip(*rows, strict=True)
    table = {column[0]: dict(zip(labels, column, strict=True)) for column in columns}
    assert done.returncode == 0
    assert table["local"]["languages"] == "en"
    assert table["local"]["offline"] == "yes"
    assert table["talking"]["languages"] == "any"
    assert table["polyglot"]["languages"] == "7"
    assert table["broken"]["offline"] == "?"
    assert done.stderr == b"azstt: can't load backend 'broken': no engine in here\n"


def test_a_half_configured_azure_is_reported(here, monkeypatch):
    """The command does not use another recognizer than the one that was half configured."""
    monkeypatch.setenv("AZURE_SPEECH_KEY", "s3cret")
    monkeypatch.setenv("SPEECH_REGON", "westus")
    said = "AZURE_SPEECH_KEY is set, SPEECH_REGON is not a setting (did you mean SPEECH_REGION?)"
    assert said in error_of(here("transcribe", "jfk.wav"), 2)
    shown = here("backends")
    assert shown.stdout.count(b"\n") > 2
    assert said in shown.stderr.decode()


def test_version(here):
    """--version prints the program's name and version."""
    name, version = here("--version").stdout.decode().split()
    assert name == "azstt"
    assert version[0].isdigit()


def test_channels_are_transcribed_separately(here, audio):
    """--channels separate keeps each channel's words apart; an unknown value is rejected."""
    call = ("transcribe", str(audio / "stereo.flac"), "--backend", "talking", "--format", "csv")
    rows = list(csv.DictReader(here(*call, "--channels", "separate").stdout.decode().splitlines()))
    assert [row["channel"] for row in rows] == ["0", "1", "0", "1"]
    done = here(*call, "--channels", "left")
    assert done.returncode == 2
    assert b"should be 'mix' or 'separate', not 'left'" in done.stderr


def test_pcm_without_a_header(here, audio, tmp_path):
    """--raw gives the rate, the channels and the type of every file."""
    with open_audio(audio / "jfk.wav", output=AudioFormat(sample_rate=8_000, channels=2)) as reader:
        (tmp_path / "call.raw").write_bytes(b"".join(reader))
    done = here("transcribe", tmp_path / "call.raw", "--raw", "8000x2", "--channels", "separate")
    assert done.returncode == 0
    assert done.stdout.decode().lower().count(ASK_NOT) == 2


@pytest.mark.filterwarnings("always::azstt.AudioFormatWarning")
def test_what_raw_does_not_fit_is_told(here, tmp_path):
    """A container, and other samples than were declared: one line, with the remedy."""
    done = here("transcribe", "jfk.wav", "--raw", "16000", "--backend", "talking")
    assert "begins like wav" in error_of(done, 2)
    floats = struct.pack("<40000f", *(math.sin(n / 9) / 2 for n in range(40_000)))
    (tmp_path / "call.raw").write_bytes(floats)
    args = ("transcribe", tmp_path / "call.raw", "--raw", "16000x1", "--backend", "talking")
    done = here(*args)
    assert (done.returncode, done.stderr.decode().count("\n")) == (0, 1)
    assert "call.raw': the audio looks like 32-bit floats" in done.stderr.decode()
    quiet = here(*args, "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, b"")


def test_help_is_the_manual(here):
    """--help explains exit statuses, standard input, times, and partial transcripts."""
    text = " ".join(here("transcribe", "--help").stdout.decode().split())
    for needed in (
        "130 stopped by Ctrl-C",
        "- for standard input",
        "90, 1:30, 00:01:30.5 or 1m30s",
        "the transcript ends early",
        "txt, srt, vtt, json, csv",
        "Examples:",
    ):
        assert needed in text
