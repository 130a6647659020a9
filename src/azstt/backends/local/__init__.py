"""The embedded recogniser: English, offline, no key."""

from azstt.backends.local._backend import LocalBackend as LocalBackend
