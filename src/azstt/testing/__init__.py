"""Test tools for code that uses azstt: a scripted recognizer, and the contract of backends."""

from azstt.testing._contract import check_backend as check_backend
from azstt.testing._script import Cue as Cue
from azstt.testing._scripted import ScriptedBackend as ScriptedBackend
