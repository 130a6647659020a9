"""Recognizers behind one port.

A backend of your own is an object that implements `RecognizerBackend`: pass it to
`transcribe_file`, or register its class under the entry-point group ``azstt.backends`` and pass
its name.
"""

from azstt.backends._base import (
    Capabilities,
    CommittingSession,
    Emit,
    PreloadingBackend,
    QueuingSession,
    RecognizerBackend,
    RecognizerSession,
    ReconnectHook,
    ReconnectingSession,
    UpdatingSession,
)
from azstt.backends._registry import (
    available,
    resolve,
)

__all__ = [
    "Capabilities",
    "CommittingSession",
    "Emit",
    "PreloadingBackend",
    "QueuingSession",
    "RecognizerBackend",
    "RecognizerSession",
    "ReconnectHook",
    "ReconnectingSession",
    "UpdatingSession",
    "available",
    "resolve",
]
