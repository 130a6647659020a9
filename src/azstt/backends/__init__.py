"""Recognizers behind one port.

A backend of your own is an object that implements `RecognizerBackend`: pass it to
`transcribe_file`, or register its class under the entry-point group ``azstt.backends`` and pass
its name.
"""

from azstt.backends._base import Capabilities as Capabilities
from azstt.backends._base import CommittingSession as CommittingSession
from azstt.backends._base import Emit as Emit
from azstt.backends._base import PreloadingBackend as PreloadingBackend
from azstt.backends._base import QueuingSession as QueuingSession
from azstt.backends._base import RecognizerBackend as RecognizerBackend
from azstt.backends._base import RecognizerSession as RecognizerSession
from azstt.backends._base import ReconnectHook as ReconnectHook
from azstt.backends._base import ReconnectingSession as ReconnectingSession
from azstt.backends._base import UpdatingSession as UpdatingSession
from azstt.backends._registry import available as available
from azstt.backends._registry import resolve as resolve
