"""Messages as the script of faults wants them: broken, doubled, out of order, or none. Pure."""

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


class Spoiler:
    """Spoils the messages of one connection."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults: Sequence[Fault] = tuple(faults)
        self.mute: bool = any(
            isinstance(fault, Stall) and fault.when == "after_upgrade" for fault in self._faults
        )
        self._phrases: int = 0
        self._held: list[Outgoing] = []  # what goes out after the next message

    def spoil(self, message: Outgoing) -> list[Outgoing]:
        """Give what is sent instead of a message."""
        if self.mute or self._dropped(message):
            return []
        messages = [message]
        if message.path.endswith(".phrase"):
            for fault in self._faults:
                messages = self._struck(fault, messages)
            self._phrases += 1
        if messages:
            messages = messages + self._held
            self._held = []
        return messages

    def _dropped(self, message: Outgoing) -> bool:
        """Tell whether a message is never sent."""
        return any(
            (isinstance(fault, NoTurnEnd) and message.path == "turn.end")
            or (isinstance(fault, NoAcks) and message.path == ACK_PATH)
            for fault in self._faults
        )

    def _struck(self, fault: Fault, messages: list[Outgoing]) -> list[Outgoing]:
        """Give what a fault makes of the phrase under way."""
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
