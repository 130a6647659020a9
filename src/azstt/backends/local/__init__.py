"""The embedded recognizer: English, offline, no key."""

from azstt.backends.local._backend import LocalBackend

__all__ = [
    "LocalBackend",
]
