"""Builds limit.c against the libav libraries inside the av wheel."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


def build(folder: Path) -> Path | str:
    """Compile limit.c into a folder.

    Returns:
        The program, or a text that says why it cannot be built.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return "no C compiler (gcc) on PATH"
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        return "av is not installed"
    libraries = Path(spec.origin).parent.parent / "av.libs"
    names = ("libavformat-", "libavcodec-", "libswresample-", "libavutil-")
    found = [path for name in names for path in libraries.glob(f"{name}*.so*")]
    if len(found) != len(names):
        return f"the av package carries no shared libraries in {libraries.name}"
    program = folder / "decode_limit"
    # The wheel's libraries refer to each other by file name, hence their folder as the path.
    paths = [f"-Wl,-rpath,{libraries}", f"-Wl,-rpath-link,{libraries}"]
    command = [compiler, "-O2", "-o", str(program), str(_SOURCE), *map(str, found), *paths]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        return f"gcc failed: {(result.stderr.strip().splitlines() or ['?'])[-1]}"
    return program
