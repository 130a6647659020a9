"""Faults that break, duplicate, reorder or suppress messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from azstt.emulator._service.turn import ACK_PATH, Outgoing
from azstt.emulator.faults import (
    BadStatus,
    Duplicate,
    Fault,
    Malformed,
    NoAcks,
    NoTurnEnd,
    Reorder,
    Stall,
)


class MessageFaults:
    """Applies faults to the messages of one connection.

    Attributes:
        mute: whether to suppress all messages.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults: Sequence[Fault] = tuple(faults)
        self.mute: bool = any(
            isinstance(fault, Stall) and fault.when == "after_upgrade" for fault in self._faults
        )
        self._phrases: int = 0
        self._held: list[Outgoing] = []  # sent after the next message

    def apply(self, message: Outgoing) -> list[Outgoing]:
        """Return what to send instead of a message."""
        if self.mute or self._is_suppressed(message):
            return []
        messages = [message]
        if message.path.endswith(".phrase"):
            for fault in self._faults:
                messages = self._apply_to_phrase(fault, messages)
            self._phrases += 1
        if messages:
            messages = messages + self._held
            self._held = []
        return messages

    def _is_suppressed(self, message: Outgoing) -> bool:
        return any(
            (isinstance(fault, NoTurnEnd) and message.path == "turn.end")
            or (isinstance(fault, NoAcks) and message.path == ACK_PATH)
            for fault in self._faults
        )

    def _apply_to_phrase(self, fault: Fault, messages: list[Outgoing]) -> list[Outgoing]:
        """Apply a fault to the messages that carry the current phrase."""
        match fault:
            case Malformed(phrase=self._phrases):
                return [replace(message, raw=message.text[:-1]) for message in messages]
            case BadStatus(phrase=self._phrases, status=status):
                return [
                    replace(message, body={**(message.body or {}), "RecognitionStatus": status})
                    for message in messages
                ]
            case Duplicate(phrase=self._phrases):
                return messages * 2
            case Reorder(phrase=self._phrases):
                self._held += messages
                return []
            case _:
                return messages
