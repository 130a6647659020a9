"""For the tests of people who build on azstt, and ours: a scripted recognizer and the contract."""

from azstt.testing._contract import check_backend as check_backend
from azstt.testing._script import Cue as Cue
from azstt.testing._scripted import ScriptedBackend as ScriptedBackend
