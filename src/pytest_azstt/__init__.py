"""The pytest fixture `azure_speech_emulator`, found by the entry point ``pytest11``.

It stands outside of azstt so that a test run that does not use it does not import azstt either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from azstt.emulator import Emulator

EmulatorFactory: TypeAlias = "Callable[..., Emulator]"

#: Seconds that connections may take to close once the test is over.
_GRACE = 2.0


@pytest.fixture
def azure_speech_emulator() -> Iterator[EmulatorFactory]:
    """Run Azure Speech emulators for a test: called with the arguments of `azstt.emulator.serve`.

    At the test's end it fails, if the code under test left a connection open, or violated the
    protocol.

    Example::

        def test_my_app(azure_speech_emulator):
            emulator = azure_speech_emulator(script=Script.saying("Hello."))
            assert my_app(host=emulator.host) == "Hello."
    """
    from azstt.emulator import serve  # noqa: PLC0415 - not before a test asks for it

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
