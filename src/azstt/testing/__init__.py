"""Test tools for code that uses azstt: a scripted recognizer, and the contract of backends."""

from azstt.testing._contract import check_backend
from azstt.testing._script import Cue
from azstt.testing._scripted import ScriptedBackend

__all__ = [
    "Cue",
    "ScriptedBackend",
    "check_backend",
]
