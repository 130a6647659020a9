"""What azstt logs, on standard error or in a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

from azstt._errors import ConfigurationError

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def logged(
    work: Callable[[], int], *, verbose: int = 0, log: str | None = None
) -> Callable[[], int]:
    """Return work that shows or writes what is logged meanwhile.

    Args:
        work: the work.
        verbose: show it on standard error: 1 without details, 2 with them.
        log: the file to append everything to.
    """

    def run() -> int:
        with ExitStack() as stack:
            if verbose:
                level = logging.INFO if verbose == 1 else logging.DEBUG
                stack.enter_context(_logging_to(logging.StreamHandler(), level))
            if log is not None:
                stack.enter_context(_logging_to(_file(log), logging.DEBUG))
            return work()

    return run


def _file(path: str) -> logging.Handler:
    try:
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"can't write to --log {path!r}: {error.strerror}; choose another file"
        ) from error


@contextmanager
def _logging_to(handler: logging.Handler, level: int) -> Generator[None]:
    """Pass what azstt logs to a handler, which is closed at the end."""
    logger = logging.getLogger("azstt")
    before = logger.level
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    logger.setLevel(min(level, before or level))
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
