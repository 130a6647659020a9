"""`azstt live` loses nothing, however it ends: the file has every segment that was recognized."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from azstt import AudioFormat, AudioSourceError, Segment, Transcript, Word
from azstt._cli import growing
from azstt._cli.files import write_file
from azstt._cli.growing import GROWING, GrowingFile
from azstt._cli.inputs import StdinPipe
from azstt._cli.listening import LiveRequest, listen
from azstt._cli.outputs import FORMATS, Outputs
from tests.live_command import COMMAND, RAW, SECONDS, import_path, posix, started

pytestmark = posix
FIRST, LAST = "Ann: One, two, three.\n", "Four.\n"


@contextmanager
def speaking(*args, plugins, first=FIRST, **streams):
    """Run the command on a pipe that stays open, up to its first line of text."""
    ours, theirs = os.pipe()
    with started(*RAW, *args, plugins=plugins, stdin=ours, **streams) as process:
        os.close(ours)
        os.write(theirs, SECONDS[:48_000])
        try:
            if first:
                assert process.stdout.readline() == first.encode()
            process.audio = theirs
            yield process
        finally:
            os.close(theirs)


def test_a_signal_ends_the_recording(plugins, tmp_path):
    """`kill`, `timeout`, systemd: what was said is recognized and saved; the status is 128+n."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        saved = tmp_path / f"{number}.txt"
        with speaking("--backend", "talking", "--save", saved, plugins=plugins) as process:
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (128 + number, LAST.encode(), b"azstt: stopped\n")
        assert saved.read_text() == FIRST + LAST


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_killed_process_leaves_what_was_recognized(plugins, tmp_path, name):
    """The file has each segment as soon as it is printed, and there is no other file."""
    saved = tmp_path / f"talk.{name}"
    with speaking("--backend", "talking", "--save", saved, plugins=plugins) as process:
        process.kill()
        process.wait(60)
    assert list(tmp_path.iterdir()) == [saved]
    assert "One, two, three." in saved.read_text()
    if name == "json":
        transcript = Transcript.model_validate_json(saved.read_bytes())
        assert {gap.reason for gap in transcript.ledger.gaps} <= {"pending"}


def test_a_reader_that_exits_ends_the_recording(plugins, tmp_path):
    """`azstt live - --save talk.txt | head -1`: the rest is recognized and saved."""
    saved = tmp_path / "talk.txt"
    with speaking("--backend", "talking", "--save", saved, plugins=plugins) as process:
        process.stdout.close()
        os.write(process.audio, SECONDS[48_000:])
        err = process.stderr.read()
    assert (process.returncode, err) == (141, b"")
    assert saved.read_text() == FIRST + LAST


def test_a_closed_terminal_ends_the_recording(plugins, tmp_path):
    """Nothing can be shown any more; all is saved, in place of a crash."""
    import pty  # noqa: PLC0415 - not available on Windows

    saved = tmp_path / "talk.txt"
    ours, theirs = pty.openpty()
    args = ("--backend", "talking", "--save", saved)
    screen = {"stdout": theirs, "stderr": theirs}
    with speaking(*args, plugins=plugins, first="", **screen) as process:
        os.close(theirs)
        while not saved.exists():
            os.read(ours, 65_536)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 128 + signal.SIGHUP
    assert saved.read_text() == FIRST + LAST


def test_under_nohup_a_closed_terminal_ends_nothing(plugins):
    """What is ignored stays ignored."""
    command = ["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *COMMAND]
    with speaking("--backend", "talking", plugins=plugins, command=command) as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM


@pytest.mark.parametrize("name", ["txt", "json"])
def test_a_second_signal_ends_at_once(plugins, tmp_path, name):
    """A recognizer that hangs is not waited for; the file says that something is missing."""
    saved = tmp_path / f"talk.{name}"
    args = ("--backend", "stuck", "--save", saved)
    with speaking(*args, plugins=plugins, first="Said before.\n") as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=30)
    assert process.returncode in {128 + signal.SIGTERM, 128 + signal.SIGHUP}
    assert err == b"azstt: stopped\n"
    if name == "json":
        transcript = Transcript.model_validate_json(saved.read_bytes())
        assert (transcript.text, transcript.complete) == ("Said before.", False)
    else:
        assert saved.read_text() == "Said before.\n"


def test_the_end_after_a_signal_is_bounded(plugins, tmp_path):
    """Nobody presses Ctrl-C again: a recognizer that hangs is given up by itself."""
    saved = tmp_path / "talk.txt"
    code = (
        "import sys; from azstt._cli import listening, load; listening._GRACE = 1.0; "
        "sys.argv = ['azstt', 'live', *sys.argv[1:]]; sys.exit(load()())"
    )
    args = ("--backend", "stuck", "--save", saved)
    command = [sys.executable, "-c", code]
    with speaking(*args, plugins=plugins, command=command, first="Said before.\n") as process:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (143, b"azstt: stopped\n")
    assert saved.read_text() == "Said before.\n"


def test_a_signal_while_the_recognizer_loads(plugins, tmp_path):
    """There is nothing to recognize yet: the command ends, and leaves no file."""
    args = ("--backend", "loading", "--save", tmp_path / "talk.txt")
    with speaking(*args, plugins=plugins, first="") as process:
        assert process.stderr.readline() == b"loading\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, b"", b"azstt: stopped\n")
    assert not list(tmp_path.iterdir())


def test_a_full_disk(plugins, tmp_path, monkeypatch):
    """No half a line is in the file: it ends with the last segment that had room."""
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        monkeypatch.delenv(name)  # it writes a file, too
    saved = tmp_path / "talk.txt"
    code = (
        "import sys; from resource import RLIMIT_FSIZE, setrlimit; from azstt_command import main; "
        "setrlimit(RLIMIT_FSIZE, (25, 25)); sys.argv = ['azstt', 'live', *sys.argv[1:]]; main()"
    )
    args = ("--backend", "talking", "--save", saved)
    command = [sys.executable, "-B", "-c", code]
    with speaking(*args, plugins=plugins, command=command) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    notice, error = err.decode().splitlines()
    assert (process.returncode, out) == (1, LAST.encode())
    assert notice.startswith(f"azstt: can't write '{saved}': File too large; trying again")
    assert str(saved) in error
    assert saved.read_text() == FIRST
    assert list(tmp_path.iterdir()) == [saved]


def test_a_file_that_appears_meanwhile_is_kept(plugins, tmp_path):
    """Without --force nothing is overwritten, even if it was not there at the start."""
    saved = tmp_path / "talk.txt"
    args = ("--backend", "loading", "--save", saved)
    with speaking(*args, plugins=plugins, first="") as process:
        assert process.stderr.readline() == b"loading\n"
        saved.write_text("mine")
        assert process.stdout.readline() == b"At last.\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"talk.txt" in err.splitlines()[-1]
    assert saved.read_text() == "mine"


def test_a_microphone_that_is_unplugged(monkeypatch, plugins, tmp_path, capfd):
    """What came before is printed and saved, and the error is named once."""

    class Unplugged(StdinPipe):
        def __enter__(self):
            return self

        def __iter__(self):
            yield SECONDS
            raise AudioSourceError("the microphone stopped unexpectedly")

    monkeypatch.syspath_prepend(plugins)
    saved = tmp_path / "talk.txt"
    request = LiveRequest(
        pipe=Unplugged(AudioFormat()),
        device=None,
        format="txt",
        outputs=Outputs.plan(["-"], (), str(saved), force=False),
        backend="talking",
        strict=False,
        options={},
        quiet=False,
        debug=False,
    )
    assert not listen(request)
    out, err = capfd.readouterr()
    error, early = err.splitlines()
    assert error == "azstt: standard input: the microphone stopped unexpectedly"
    assert "the transcript ends early" in early
    assert out == saved.read_text() == FIRST + LAST


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_under_standard_output(plugins, tmp_path):
    """That is one line and status 1; the transcript is saved."""
    saved = tmp_path / "talk.txt"
    args = (*RAW, "--backend", "talking", "--save", saved)
    with (
        Path("/dev/full").open("wb") as full,
        started(*args, plugins=plugins, stdin=subprocess.PIPE, stdout=full) as process,
    ):
        _, err = process.communicate(SECONDS, timeout=60)
    assert process.returncode == 1
    assert b"azstt: can't write to standard output: No space left on device; the" in err
    assert saved.read_text() == FIRST + LAST


# -- of several files


def test_sigterm_keeps_what_transcribe_has_finished(plugins, audio, tmp_path):
    """Files that were done before the signal are in the folder."""
    with subprocess.Popen(
        [*COMMAND[:-1], "transcribe", "jfk.wav", "-", "--backend", "talking", "-o", tmp_path],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=audio,
        env={**os.environ, "PYTHONPATH": import_path(plugins)},
    ) as process:
        while not list(tmp_path.glob("*.txt")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, b"azstt: stopped\n")
    assert (tmp_path / "jfk.txt").read_text() == FIRST + LAST


# -- formats


def test_json_lines_as_they_are_spoken(plugins):
    """`--format jsonl` prints a `Segment` a line, each as soon as it is recognized."""
    args = ("--backend", "talking", "--format", "jsonl")
    with speaking(*args, plugins=plugins, first="") as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    segments = [Segment.model_validate_json(line) for line in (first + rest).splitlines()]
    assert [segment.text for segment in segments] == ["One, two, three.", "Four."]


TALK = [
    Segment(text="Hello, <b>you</b>.", start=0.0, end=0.5, speaker="Ann"),
    Segment(
        text="Hi.", start=0.6, end=0.9, speaker="Bob", words=[Word(text="Hi.", start=0.6, end=0.9)]
    ),
    Segment(text="A long, long sentence, " * 20, start=1.0, end=30.0),
]


def grow(path, segments, name):
    """Save segments as they come, and return the text before the end."""
    file = GrowingFile(name, path, force=False)
    for count, segment in enumerate(segments, 1):
        file.add(segment)
        file.update(lambda count=count: Transcript(backend="", segments=segments[:count]))
    text = path.read_bytes().decode()
    file.finish(Transcript(backend="", segments=segments))
    return text


@pytest.mark.parametrize("name", GROWING)
def test_a_growing_file_is_valid_at_any_time(tmp_path, name):
    """It is what the whole transcript gives, except that captions may overlap or repeat a name."""
    path = tmp_path / f"talk.{name}"
    whole = FORMATS[name](Transcript(backend="", segments=TALK))
    grown = grow(path, TALK, name)
    if name in {"srt", "vtt"}:
        grown, expected = (re.sub(r"--> .*|Bob: ", "", text) for text in (grown, whole))
        assert grown == expected
    else:
        assert grown == whole
    assert path.read_bytes().decode() == whole


def test_a_file_that_is_complete_is_left_alone(tmp_path):
    """`tail -F talk.txt` does not start anew at the end."""
    path = tmp_path / "talk.txt"
    file = GrowingFile("txt", path, force=False)
    file.add(TALK[0])
    file.update(lambda: Transcript(backend=""))
    inode = path.stat().st_ino
    file.finish(Transcript(backend="", segments=TALK[:1]))
    assert path.stat().st_ino == inode


def test_json_is_not_rewritten_for_each_segment(tmp_path, monkeypatch):
    """It is rewritten once a second; at the end it is complete."""
    written = []
    monkeypatch.setattr(
        growing,
        "write_file",
        lambda *args, **more: written.append(args) or write_file(*args, **more),
    )
    path = tmp_path / "talk.json"
    began = time.monotonic()
    grow(path, TALK * 30, "json")
    assert len(written) <= 2 + (time.monotonic() - began)
    assert len(json.loads(path.read_bytes())["segments"]) == 90


# -- files


def test_permissions_and_links_are_kept(tmp_path):
    """A file that is overwritten stays what it was, except for its text."""
    (tmp_path / "there").mkdir()
    path, link = tmp_path / "there" / "talk.txt", tmp_path / "link.txt"
    path.write_text("before")
    path.chmod(0o640)
    link.symlink_to(path)
    write_file(link, "after", new=False)
    assert link.is_symlink()
    assert path.read_text() == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path):
    """They are those of any file, as the umask says."""
    write_file(tmp_path / "talk.txt", "text", new=True)
    (tmp_path / "any").touch()
    assert (tmp_path / "talk.txt").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_what_was_read_before_the_end_is_not_lost(monkeypatch):
    """Closing the source keeps the audio that standard input had delivered."""
    ours, theirs = os.pipe()
    kept = os.dup(0)
    monkeypatch.setattr(sys, "stdin", open(ours, closefd=False))  # noqa: SIM115 - a descriptor
    try:
        os.dup2(ours, 0)
        with contextlib.closing(sys.stdin), StdinPipe("auto") as pipe:
            os.write(theirs, b"audio")
            while pipe._chunks.empty():
                time.sleep(0.01)
            pipe.close()
            os.close(theirs)
            assert b"".join(pipe) == b"audio"
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(ours)
