"""The pytest fixture `azure_speech_emulator`, found by the entry point ``pytest11``.

It is a package of its own so that a test run that does not use it does not import azstt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from azstt.emulator import Emulator

EmulatorFactory: TypeAlias = "Callable[..., Emulator]"

#: Seconds for connections to close after the test.
_GRACE = 2.0


@pytest.fixture
def azure_speech_emulator() -> Iterator[EmulatorFactory]:
    """Start Azure Speech emulators; call it with the arguments of `azstt.emulator.serve`.

    The test fails if the code under test leaves a connection open or violates the protocol.

    Example::

        def test_my_app(azure_speech_emulator):
            emulator = azure_speech_emulator(script=Script.saying("Hello."))
            assert my_app(host=emulator.host) == "Hello."
    """
    from azstt.emulator import serve  # noqa: PLC0415 - only when a test asks for it

    emulators: list[Emulator] = []
    with ExitStack() as running:

        def start(**settings: object) -> Emulator:
            emulator = running.enter_context(serve(**settings))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            emulators.append(emulator)
            return emulator

        yield start
        complaints = [text for emulator in emulators for text in emulator.complaints(_GRACE)]
    if complaints:
        pytest.fail("azure_speech_emulator: " + "; ".join(complaints), pytrace=False)
