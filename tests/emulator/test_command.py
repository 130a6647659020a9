"""The command `azstt emulator`, as a program of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

import azstt
from azstt.emulator import Script


@contextmanager
def running(*options):
    """Start the command; yield the process and the host that it prints."""
    command = [sys.executable, "-m", "azstt", "emulator", *map(str, options)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith("listening on "), process.stderr.read()
            yield process, first.removeprefix("listening on ").rstrip()
        finally:
            process.kill()


@pytest.fixture
def script(tmp_path):
    """A script in a file."""
    path = tmp_path / "script.json"
    path.write_text(Script.saying("Hello, world.").model_dump_json())
    return path


def test_the_environment_variable_is_enough(script, audio, monkeypatch):
    """With AZURE_SPEECH_HOST and no key, a plain call transcribes through the emulator."""
    with running("--script", script) as (process, host):
        monkeypatch.setenv("AZURE_SPEECH_HOST", host)
        transcript = azstt.transcribe_file(audio / "jfk.wav")
        assert (transcript.backend, transcript.text) == ("azure", "Hello, world.")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_two_commands_work_together(audio):
    """One terminal runs the emulator on the embedded recognizer, the other transcribes."""
    with running() as (_, host):
        done = subprocess.run(
            [sys.executable, "-m", "azstt", "transcribe", str(audio / "jfk.wav")],
            env={**os.environ, "AZURE_SPEECH_HOST": host},
            capture_output=True,
            text=True,
            check=True,
        )
    assert "your country can do for you" in done.stdout.lower()


def test_it_ends_by_itself(script):
    """--seconds limits a run, for scripts that must not leave one behind."""
    with running("--script", script, "--seconds", 0.1) as (process, _):
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "parrot"], "unknown --engine: 'parrot'; use local or script"),
        (["--script", "/no/such/file"], "/no/such/file"),
        (["--port", "99999"], "99999"),
        (["--speed", "0"], "speed"),
    ],
)
def test_a_wrong_option_is_named(options, message):
    """An invalid option is reported on one line, with status 2."""
    done = subprocess.run(
        [sys.executable, "-m", "azstt", "emulator", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
