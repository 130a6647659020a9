"""Text files of which nobody ever sees half."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from shutil import copymode


def write_file(path: Path, text: str, *, new: bool) -> None:
    """Write a file next to its place, and then put it there.

    A file that it replaces keeps its permissions, and a symbolic link stays one. What is not a
    regular file, such as a named pipe, is appended to. Line endings are those of the text.

    Args:
        path: the file.
        text: all of its text.
        new: refuse to replace a file.

    Raises:
        FileExistsError: there is a file, and ``new``.
        OSError: it can't be written. A file that was there before is unchanged.
    """
    with _naming(path):
        if can_grow(path):
            _replace(path.resolve(), text, new=new)
        else:
            with path.open("a", encoding="utf-8", newline="") as stream:
                stream.write(text)


def _replace(place: Path, text: str, *, new: bool) -> None:
    beside = place.with_name(f".azstt-{token_hex(4)}.tmp")
    try:
        with beside.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        if new:
            place.touch(exist_ok=False)
        elif place.exists():
            copymode(place, beside)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def append_to_file(path: Path, text: str) -> None:
    """Append text to a file: all of it or, after an error, nothing.

    Raises:
        OSError: it can't be written.
    """
    with _naming(path), path.open("ab", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        rest = memoryview(text.encode())
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(end)
            raise


@contextmanager
def _naming(path: Path) -> Generator[None]:
    """Let errors name this file, and not one beside it or none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def can_grow(path: Path) -> bool:
    """Return whether there is a regular file or nothing, so not a pipe, a device or a folder.

    Everything in /dev counts as a device: /dev/stdout may stand for a file, to which others write.
    """
    is_device = Path("/dev") in path.absolute().parents
    return not is_device and (path.is_file() or not path.exists())
