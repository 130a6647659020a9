"""Engines: where the recognized words come from. One of your own implements `Engine`."""

from azstt.emulator._service.request import (
    Assessment,
    Mode,
    TurnRequest,
)
from azstt.emulator._service.wire import StreamFormat
from azstt.emulator.engines._port import (
    Engine,
    EngineCallback,
    EngineEvent,
    EngineSession,
    Phrase,
    Processed,
)

__all__ = [
    "Assessment",
    "Engine",
    "EngineCallback",
    "EngineEvent",
    "EngineSession",
    "Mode",
    "Phrase",
    "Processed",
    "StreamFormat",
    "TurnRequest",
]
