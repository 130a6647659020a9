"""Late imports of native and optional packages: one thread at a time, one error message."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from threading import RLock

from azstt._errors import MissingDependencyError

#: Reentrant, because what is imported may import late itself.
_lock = RLock()

if hasattr(os, "register_at_fork"):
    # A fork waits for a late import to end: the child would inherit half-initialized modules, and
    # locks that the importing thread, which the child does not have, never releases.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


@contextmanager
def guarded_import(
    *packages: str, needed_by: str = "azstt", extra: str | None = None
) -> Generator[None]:
    """Import packages whole; the body then imports what it needs from them, or from our modules.

    ::

        with guarded_import("av"):
            from azstt._audio.files.decoders import LibavFileDecoder

    Python's own locks cover one module at a time: ``from av.audio.frame import AudioFrame`` does
    not wait while another thread is still initializing ``av``, and then either import may see half
    of a package whose modules import each other, for good. So every late import of a native or
    optional package, direct or through modules of ours, takes this one lock of the process and
    begins at the top of the package, where a caller's own ``import av`` is waited for as well.

    Call it in functions only. At the top of a module it would take the lock while holding that
    module's import lock, and another thread may hold them the other way around.

    Args:
        *packages: the packages that the body imports, directly or not.
        needed_by: what needs them, for the message.
        extra: the extra of azstt that installs them; None if they are dependencies themselves.

    Raises:
        MissingDependencyError: a package is not installed.
    """
    with _lock:
        try:
            for package in packages:
                import_module(package)
            yield
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in {package.partition(".")[0] for package in packages}:
                raise
            raise _missing(missing, needed_by, extra) from error


def require(*packages: str, needed_by: str, extra: str) -> None:
    """Check that packages are installed, without importing them.

    Args:
        *packages: top-level packages.
        needed_by: what needs them, for the message.
        extra: the extra of azstt that installs them.

    Raises:
        MissingDependencyError: names the first that is not installed.
    """
    for package in packages:
        if not is_installed(package):
            raise _missing(package, needed_by, extra)


def is_installed(package: str) -> bool:
    """Return whether a top-level package can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # a half-removed or a blocked package
        return False


def _missing(package: str, needed_by: str, extra: str | None) -> MissingDependencyError:
    """Return the error that names a package and the line that installs it."""
    what = package if extra is None else f"'azstt[{extra}]'"
    return MissingDependencyError(
        f"{needed_by} needs {package!r}, which is not installed: pip install {what}"
    )
