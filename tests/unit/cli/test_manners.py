"""What the command does at its edges: without arguments, in narrow terminals, without streams."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from azstt import AudioFormat
from azstt._cli.app import run
from azstt._cli.options import RAW_VALUE, as_options
from tests.live_command import import_path

COMMAND = [sys.executable, "-m", "azstt"]
#: What the backend "talking" says.
TEXT = "Ann: One, two, three.\nFour.\n"
COMMANDS = ((), ("transcribe",), ("live",), ("backends",), ("schema",), ("emulator",))
BASH = shutil.which("bash") or "bash"
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


#: The variable that sets up the microphone of other tests, which blocks until one of them speaks.
MICROPHONE = "ALSA_CONFIG_PATH"


@pytest.fixture
def shell(audio, plugins):
    """Run a line of bash in the folder of test recordings; $azstt is the command."""

    def call(line, **env):
        return subprocess.run(
            [BASH, "-c", line],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=audio,
            env={
                **{name: value for name, value in os.environ.items() if name != MICROPHONE},
                "PYTHONPATH": import_path(plugins),
                "azstt": " ".join(COMMAND),
                **env,
            },
            check=False,
            timeout=120,
        )

    return call


@posix
def test_the_command_alone_shows_its_help(shell):
    """It is on standard error and a failure, so that a script without arguments notices."""
    done = shell("$azstt")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: azstt" in done.stderr
    assert "transcribe " in done.stderr
    assert shell("$azstt --help").stdout == done.stderr


@pytest.mark.parametrize("columns", ["80", "100"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_whole(command, columns, monkeypatch, capfd):
    """Every help text fits its terminal; nothing is cut off, and no Python type is shown."""
    monkeypatch.setattr(sys, "argv", ["azstt", *command, "--help"])
    monkeypatch.setenv("COLUMNS", columns)
    assert run() == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= int(columns)
    assert not [line for line in lines[1:] if "…" in line or "<" in line or line.endswith("...")]


@posix
def test_the_table_of_backends_fits_a_terminal(shell):
    """Its lines are not broken at 80 columns, with the backends that azstt has."""
    done = shell("$azstt backends", PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    assert max(map(len, done.stdout.splitlines())) <= 80


@posix
@pytest.mark.parametrize(
    "command",
    [
        "backends",
        "schema",
        "--version",
        "live --devices",
        "emulator --engine script --seconds 0.1s",
        "transcribe jfk.wav --backend talking",
        "live - --raw 16000 --backend talking",
    ],
)
def test_standard_output_that_is_closed_is_reported(shell, command):
    """Every command says so in one line, with status 1."""
    done = shell(f"head -c 96000 /dev/zero 2>/dev/null | $azstt {command} >&-")
    (*_, line) = done.stderr.splitlines()
    assert (done.returncode, line) == (1, "azstt: can't write to standard output: it is closed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_under_standard_output_is_reported(shell):
    """A disk that is full is told as well, once, by what prints help as by what prints data."""
    done = shell("$azstt --help >/dev/full; $azstt backends >/dev/full")
    line = "azstt: can't write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, line * 2)


@posix
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("backends", 0),
        ("translate", 2),
        ("", 2),
        ("transcribe gone.wav --backend talking", 1),
        ("transcribe jfk.wav --backend failing -v", 1),
        ("transcribe jfk.wav --backend none --debug", 2),
        ("emulator --engine script --seconds 0.1", 0),
        ("live gone.wav", 2),
    ],
)
def test_errors_never_go_to_standard_output(shell, command, status):
    """If standard error is closed, they go nowhere, and the status is the same as ever."""
    usual, closed = shell(f"$azstt {command}"), shell(f"$azstt {command} 2>&-")
    assert (usual.returncode, closed.returncode) == (status, status)
    if "emulator" not in command:  # it prints another port every time
        assert closed.stdout == usual.stdout


@posix
def test_nothing_is_written_into_files_that_took_the_place_of_closed_streams(shell, tmp_path):
    """A transcript is whole even if all standard streams are closed, as in some daemons."""
    done = shell(
        f"$azstt transcribe jfk.wav --backend talking -o {tmp_path}/a.txt <&- >&- 2>&-",
    )
    assert done.returncode == 0
    assert (tmp_path / "a.txt").read_text() == TEXT


@posix
def test_standard_output_by_its_path(shell, tmp_path):
    """/dev/stdout is written to and never replaced, whatever it stands for; no --force needed."""
    call = "$azstt transcribe jfk.wav --backend talking -o /dev/stdout"
    assert shell(f"{call} | cat").stdout == TEXT
    log = tmp_path / "log"
    log.write_text("before\n")
    inode = log.stat().st_ino
    assert shell(f"{call} --force >> {log}").returncode == 0
    assert (log.read_text(), log.stat().st_ino) == (f"before\n{TEXT}", inode)


@posix
def test_outputs_make_no_folders_above_the_one_that_is_named(shell, tmp_path):
    """A folder is made for several transcripts; one that is missing above a file is an error."""
    call = "$azstt transcribe jfk.wav --backend talking"
    assert shell(f"{call} -o {tmp_path}/new/").returncode == 0
    assert (tmp_path / "new" / "jfk.txt").exists()
    for path in ("no/talk.srt", "no/folder/"):
        done = shell(f"{call} -o {tmp_path}/{path}")
        assert done.returncode == 2
        assert "No such file or directory; choose another folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@posix
def test_durations_have_units(shell):
    """--timeout takes 0h0m1s, and stops the work after that second."""
    done = shell("$azstt transcribe long.ogg --backend stuck --timeout 0h0m1s")
    assert done.returncode == 1
    assert "within --timeout 1.0 s" in done.stderr


@posix
def test_bash_completes_commands_options_and_formats(shell, tmp_path):
    """The script that --show-completion prints works in bash."""
    program = tmp_path / "azstt"
    program.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    line = """
        eval "$(azstt --show-completion)"
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _azstt_completion azstt
                echo "${COMPREPLY[*]}"; }
        ask azstt tr
        ask azstt transcribe --time
        ask azstt transcribe --format j
        ask azstt live --backend loc
    """
    done = shell(line, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert done.stdout.split("\n") == ["transcribe", "--timeout", "json\njsonl", "local", ""] or (
        done.stdout.split() == ["transcribe", "--timeout", "json", "jsonl", "local"]
    ), done.stderr


@posix
def test_the_log_is_shown_or_kept_on_request(shell, tmp_path):
    """-v shows what was done, --log keeps it with details; neither has a word of the text."""
    log = tmp_path / "azstt.log"
    done = shell(f"$azstt transcribe jfk.wav --backend talking -v --log {log}")
    assert "jfk.wav: 11.0 s of audio by scripted" in done.stderr
    assert "jfk.wav: 11.0 s of audio by scripted" in log.read_text()
    assert "Four" not in done.stderr + log.read_text()
    assert not shell("$azstt transcribe jfk.wav --backend talking").stderr
    done = shell("$azstt transcribe jfk.wav --backend talking --log no/azstt.log")
    assert (done.returncode, done.stdout) == (2, "")
    assert "can't write to --log 'no/azstt.log': No such file or directory" in done.stderr


@posix
def test_ctrl_c_during_the_start_is_quiet(tmp_path):
    """While azstt is still being imported, Ctrl-C prints nothing, and the shell sees status 130."""
    package = tmp_path / "azstt"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(9)\n"
    )
    python = shutil.which(sys.executable)
    code = f"{python} -c 'from azstt_command import main; main()'; exit $?"
    env = {**os.environ, "PYTHONPATH": import_path(tmp_path)}
    done = subprocess.run(
        [BASH, "-c", code], capture_output=True, text=True, env=env, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (130, "")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("end=2.0 must be after start=3.0", "--end 2.0 must be after --start 3.0"),
        ("leave out audio=, which is for PCM", "leave out --raw, which is for PCM"),
        ("pass audio=AudioFormat(sample_rate=...)", f"pass --raw {RAW_VALUE}"),
        (repr(AudioFormat(channels=2, sample_width=3)), "16000x2:s24"),
        (repr(AudioFormat(sample_width=4, floating=True)), "16000x1:f32"),
        ("declare audio='auto' or the container's name", "leave out --raw"),
        ("use channels='mix'", "use --channels mix"),
        ("no option 'phrases' in it", "no --phrase in it"),
        ("no such file: 'a?start=3.wav'", "no such file: 'a?start=3.wav'"),
    ],
)
def test_messages_of_the_library_speak_of_options(said, shown):
    """An argument in a message becomes the option that sets it."""
    assert as_options(said) == shown
