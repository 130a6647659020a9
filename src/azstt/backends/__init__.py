"""Recognisers behind one port: write your own by `RecognizerBackend`."""

from azstt.backends._base import Capabilities as Capabilities
from azstt.backends._base import Emit as Emit
from azstt.backends._base import RecognizerBackend as RecognizerBackend
from azstt.backends._base import RecognizerSession as RecognizerSession
