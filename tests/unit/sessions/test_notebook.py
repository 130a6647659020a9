"""Live sessions in a running Jupyter kernel: each step in a cell of its own."""

from __future__ import annotations

import pytest
from jupyter_client.manager import KernelManager

CELLS = {
    "async": (
        "live = azstt.LiveSession(backend=backend)",
        "await live.start()",
        "await live.send(bytes(32_000))",
        "await live.finish(); print([event.kind async for event in live][-1])",
        "await live.aclose()",
        "print(live.transcript.text)",
    ),
    "blocking": (
        "live = azstt.BlockingLiveSession(backend=backend)",
        "live.start()",
        "live.send(bytes(32_000))",
        "live.finish(); print([event.kind for event in live][-1])",
        "live.close()",
        "print(live.transcript.text)",
    ),
}
SET_UP = """
import azstt
from azstt.testing import ScriptedBackend
backend = ScriptedBackend.saying("Hello, world.")
"""


@pytest.fixture(scope="module")
def kernel():
    """A kernel that runs cells one after the other."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def run(kernel, code: str) -> str:
    """Run a cell and give what it prints."""
    printed: list[str] = []

    def hear(message) -> None:
        printed.append(message["content"].get("text", ""))
        if message["msg_type"] == "error":
            raise AssertionError("\\n".join(message["content"]["traceback"]))

    kernel.execute_interactive(code, timeout=30, output_hook=hear)
    return "".join(printed)


@pytest.mark.parametrize("style", CELLS)
def test_start_send_and_close_stand_in_different_cells(kernel, style):
    """What one cell began the next goes on with, beside the kernel's own running loop."""
    run(kernel, SET_UP)
    assert "".join(run(kernel, cell) for cell in CELLS[style]) == "ended\nHello, world.\n"
