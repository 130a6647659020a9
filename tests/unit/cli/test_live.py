"""`azstt live`, run as users run it: pipes, terminals, signals, and a microphone."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import wave

import pytest

from azstt import AudioFormat, Transcript
from azstt._audio.portaudio import own_format
from azstt._cli.app import run
from tests.beeps import wav
from tests.live_command import COMMAND, RAW, SECONDS, import_path, posix, started

ASK_NOT = "ask what you can do for your country"


@pytest.fixture
def live(monkeypatch, plugins, capfdbinary, tmp_path):
    """Run the command in this process, with the given standard input."""
    monkeypatch.syspath_prepend(plugins)

    def call(*args, stdin=b""):
        source = tmp_path / "stdin"
        source.write_bytes(stdin)
        monkeypatch.setattr(sys, "argv", ["azstt", "live", *map(str, args)])
        kept = os.dup(0)
        try:
            with source.open("rb") as file:
                os.dup2(file.fileno(), 0)
            status = run()
        finally:
            os.dup2(kept, 0)
            os.close(kept)
        out, err = capfdbinary.readouterr()
        return subprocess.CompletedProcess(args, status, out.decode(), err.decode())

    return call


# -- from a pipe


def test_a_container_from_a_pipe(live, audio, tmp_path):
    """A browser's recording becomes lines of text, and captions at the end."""
    data = (audio / "mediarecorder.webm").read_bytes()
    done = live("-", "--backend", "local", "--save", tmp_path / "talk.srt", stdin=data)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith(f"{ASK_NOT}.")
    captions = (tmp_path / "talk.srt").read_text()
    assert captions.startswith("1\n00:00:0")
    assert ASK_NOT in captions


@pytest.mark.parametrize(
    ("raw", "seconds"), [("16000", 3.0), ("48000x2", 0.5), ("16000x1:f32", 1.5), ("8000", 6.0)]
)
def test_raw_samples(live, tmp_path, raw, seconds):
    """PCM has no header: --raw gives its sample rate, channels and type."""
    saved = tmp_path / "talk.json"
    done = live("-", "--raw", raw, "--backend", "talking", "--save", saved, stdin=SECONDS)
    assert done.returncode == 0
    transcript = Transcript.model_validate_json(saved.read_bytes())
    assert transcript.ledger.decoded == pytest.approx(seconds, abs=0.01)


def test_a_container_declared_as_raw(live, tmp_path):
    """`azstt live - --raw 16000 < talk.wav` ends at once with the remedy, and saves nothing."""
    saved = tmp_path / "talk.txt"
    done = live(*RAW, "--backend", "local", "--save", saved, stdin=wav(SECONDS))
    assert (done.returncode, done.stdout, saved.exists()) == (2, "", False)
    assert "begins like wav" in done.stderr
    assert "leave out --raw" in done.stderr


def test_only_finals_go_into_a_pipe(live):
    """Finals are lines with their speakers; partials and control codes are left out."""
    done = live(*RAW, "--backend", "talking", stdin=SECONDS)
    assert done.stdout == "Ann: One, two, three.\nFour.\n"
    assert done.stderr == ""


def test_lost_connections_and_audio_are_reported(live):
    """They are notices, not errors; --quiet hides them."""
    done = live(*RAW, "--backend", "troubled", stdin=SECONDS)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "azstt: connection lost (connection reset); reconnecting",
        "azstt: 1.5 s of audio is missing at 00:00:00.500 (dropped)",
        "azstt: standard input: no speech was found",
    ]
    assert live(*RAW, "--backend", "troubled", "--quiet", stdin=SECONDS).stderr == ""


def test_a_stream_that_is_cut_off_is_reported(live, tmp_path):
    """The rest is text, and one notice; with --strict there is an error instead, and status 1."""
    cut = wav(SECONDS[:48_000], lost=48_000)
    said = (
        "azstt: 1.5 s of audio is missing at 00:00:01.500 (truncated: the recording ends too early)"
    )
    done = live("-", "--backend", "talking", stdin=cut)
    assert (done.returncode, done.stdout) == (0, "Ann: One, two, three.\nFour.\n")
    assert done.stderr.splitlines() == [said]
    saved = tmp_path / "talk.txt"
    done = live("-", "--backend", "talking", "--strict", "--quiet", "--save", saved, stdin=cut)
    assert (done.returncode, done.stdout) == (1, "Ann: One, two, three.\nFour.\n")
    assert "standard input: incomplete transcript: 1.5 s of audio is missing" in done.stderr
    assert saved.read_text() == done.stdout


def test_what_was_recognized_before_a_failure_is_saved(live, tmp_path):
    """It is shown and saved; the exit status says that it is incomplete."""
    saved = tmp_path / "talk.txt"
    done = live(*RAW, "--backend", "failing", "--save", saved, stdin=SECONDS)
    assert (done.returncode, done.stdout) == (1, "Half a sentence\n")
    assert "the service went away; try again" in done.stderr
    assert "the transcript ends early" in done.stderr
    assert saved.read_text() == "Half a sentence\n"


@pytest.mark.parametrize(
    ("stdin", "said"),
    [(b"", "standard input is empty"), (b'{"no": "audio"}' * 99, "not audio or video")],
)
def test_bad_audio_is_one_line_and_status_1(live, tmp_path, stdin, said):
    """Unreadable audio gives one line, and nothing is saved."""
    saved = tmp_path / "talk.txt"
    done = live("-", "--backend", "deaf", "--save", saved, stdin=stdin)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not saved.exists()


def test_a_transcript_that_cannot_be_saved(live, tmp_path):
    """The text is shown anyway; the exit status says that the file is missing."""
    saved = tmp_path / "talk.txt"
    saved.mkdir()
    (saved / "stdin.txt").mkdir()
    done = live(*RAW, "--backend", "talking", "--save", saved, "--force", stdin=SECONDS)
    assert done.returncode == 1
    assert done.stdout.endswith("Four.\n")
    assert "stdin.txt" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("talk.wav",), "'azstt transcribe' for files"),
        (("--raw", "16000"), "--raw needs standard input"),
        (("-", "--raw", "16k"), "not '16k'"),
        (("-", "--raw", "16000x0"), "--raw '16000x0': the rate is"),
        (("-", "--device", "USB"), "--device selects a microphone"),
        (("-", "--format", "json"), "can't print json before the end; use --format jsonl"),
        (("-", "--format", "pdf"), "unknown format: 'pdf'"),
        (
            ("-", "--save", __file__),
            "no format has the extension '.py'",
        ),
        (("-", "--backend", "no-such"), "installed are"),
        (("-", "--backend", "local", "--language", "sv"), "it knows en"),
        (("-", "--backend", "local", "--diarize"), "--diarize"),
        (("-", "--backend", "local", "--phrase", "azstt"), "--phrase;"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_line_and_status_2(live, args, said):
    """Invalid usage gives one line that includes the remedy, and status 2."""
    done = live(*args)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_the_default_backend_is_named(plugins, tmp_path):
    """If the user chose no backend, a notice names the one in use."""
    with started("-", plugins=plugins, cwd=tmp_path, stdin=subprocess.DEVNULL) as process:
        _, err = process.communicate(timeout=60)
    assert b"Azure is not configured; using 'local'" in err


# -- signals


@posix
def test_ctrl_c_ends_a_pipe_that_stays_open(plugins):
    """The audio so far is fully recognized; the exit status reports the interruption."""
    ours, theirs = os.pipe()
    with started(*RAW, "--backend", "talking", stdin=ours, plugins=plugins) as process:
        os.close(ours)
        os.write(theirs, SECONDS[:48_000])
        assert process.stdout.readline() == b"Ann: One, two, three.\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        os.close(theirs)
    assert (process.returncode, out, err) == (130, b"Four.\n", b"azstt: stopped\n")


@posix
def test_a_second_ctrl_c_stops_at_once(plugins, tmp_path):
    """A recognizer that hangs is not waited for; what it recognized is saved."""
    saved = tmp_path / "talk.txt"
    args = (*RAW, "--backend", "stuck", "--save", saved)
    ours, theirs = os.pipe()
    with started(*args, stdin=ours, plugins=plugins) as process:
        os.close(ours)
        os.write(theirs, SECONDS[:48_000])
        assert process.stdout.readline() == b"Said before.\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        os.close(theirs)
    assert (process.returncode, err) == (130, b"azstt: stopped\n")
    assert saved.read_text() == "Said before.\n"


@posix
def test_a_reader_that_exits_early_causes_no_error_message(plugins):
    """`azstt live - | head -1` ends quietly, with the status of a broken pipe."""
    ours, theirs = os.pipe()
    with started(*RAW, "--backend", "talking", stdin=ours, plugins=plugins) as process:
        os.close(ours)
        process.stdout.close()
        os.write(theirs, SECONDS[:48_000])
        err = process.stderr.read()
        os.close(theirs)
    assert (process.returncode, err) == (141, b"")


# -- on a terminal


@posix
def test_partials_are_shown_in_place(plugins):
    """On a terminal partials are shown, dim where they may change, and replaced by the final."""
    import pty  # noqa: PLC0415 - not available on Windows

    ours, theirs = pty.openpty()
    args = (*RAW, "--backend", "talking")
    shown = b""
    with started(*args, plugins=plugins, stdin=subprocess.PIPE, stdout=theirs) as process:
        os.close(theirs)
        process.stdin.write(SECONDS)
        process.stdin.close()
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:  # how Linux reports that the other end is closed
            pass
        finally:
            os.close(ours)
        assert process.stderr.read() == b""
    assert process.returncode == 0
    text = shown.decode()
    assert "\x1b[2mOne\x1b[0m" in text
    assert "One\x1b[2m two\x1b[0m" in text
    assert "One two\x1b[2m three\x1b[0m" in text
    assert "Ann: One, two, three.\r\n" in text
    assert "Four.\r\n" in text


@posix
def test_a_terminal_is_rejected_as_input(plugins):
    """`azstt live -` with nothing piped in says so instead of waiting for keys."""
    import pty  # noqa: PLC0415 - not available on Windows

    ours, theirs = pty.openpty()
    with started("-", "--backend", "talking", plugins=plugins, stdin=theirs) as process:
        err = process.stderr.read()
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 2
    assert b"pipe audio into it: ffmpeg" in err


@posix
def test_a_closed_standard_input_is_reported(plugins):
    """With standard input closed by `<&-`, the command says so."""
    command = ["/bin/sh", "-c", f"{shlex.join(COMMAND)} - --backend talking <&-"]
    environment = {**os.environ, "PYTHONPATH": import_path(plugins)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"standard input is closed; pipe audio into it: ffmpeg" in done.stderr


# -- from the microphone


def test_the_microphone_is_transcribed_until_ctrl_c(speaker, plugins, audio, tmp_path):
    """Speech goes through PortAudio into text; the first Ctrl-C is the normal end."""
    with wave.open(str(audio / "jfk.wav")) as file:
        pcm = file.readframes(file.getnframes())
    args = ("--backend", "local", "--device", "default", "--save", tmp_path / "talk.vtt")
    with started(*args, plugins=plugins) as process:
        assert process.stderr.readline() == b"azstt: listening; press Ctrl-C to finish\n"
        speaker.say(pcm)
        lines = [process.stdout.readline().decode()]
        while ASK_NOT not in lines[-1]:
            assert lines[-1], process.stderr.read().decode()
            lines.append(process.stdout.readline().decode())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert ASK_NOT in (tmp_path / "talk.vtt").read_text().replace("\n", " ")


def test_lost_microphone_audio_is_reported(line_in, plugins):
    """A recognizer that stalls for minutes loses audio, and a notice says so."""
    pipe = os.open(line_in, os.O_RDWR)
    with started("--backend", "slow", plugins=plugins) as process:
        assert b"listening" in process.stderr.readline()
        for _ in range(200):
            os.write(pipe, bytes(32_000))
        assert process.stdout.readline() == b"At last.\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        os.close(pipe)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"microphone: audio was lost" in err


@pytest.mark.usefixtures("speaker")
def test_a_missing_microphone_is_rejected(live):
    """The error for an unknown device says how to list the microphones."""
    done = live("--device", "no such thing", "--backend", "talking")
    assert done.returncode == 2
    assert "see `azstt live --devices`" in done.stderr


@pytest.mark.usefixtures("speaker")
def test_devices_lists_the_microphones(live):
    """--devices prints one row per microphone, with the name last."""
    done = live("--devices")
    header, *rows = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    table = {row[4]: dict(zip(header, row, strict=True)) for row in rows}
    assert (done.returncode, done.stderr) == (0, "")
    assert table["default"]["DEFAULT"] == "yes"
    assert (table["stereo"]["DEFAULT"], table["stereo"]["CHANNELS"]) == ("no", "2")


@pytest.mark.usefixtures("speaker")
def test_a_microphone_that_cannot_record_at_16_khz(monkeypatch):
    """It is recorded at its own rate; LiveSession resamples."""
    import sounddevice  # noqa: PLC0415 - only after ALSA is set up

    def refuse(*_: object, **__: object) -> None:
        raise sounddevice.PortAudioError("Invalid sample rate", -9997)

    assert own_format("stereo") == AudioFormat()
    monkeypatch.setattr(sounddevice, "check_input_settings", refuse)
    assert own_format("stereo") == AudioFormat(sample_rate=44_100, channels=2)
