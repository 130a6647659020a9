"""Turn audio and video into typed transcripts.

``transcribe_file`` and ``transcribe_bytes`` (async: ``atranscribe_file``, ``atranscribe_bytes``)
return the `Transcript` of a recording, and a `LiveSession` transcribes speech while it is spoken.
``open_audio`` decodes anything that holds audio to PCM. All times are in seconds.
"""

from azstt._api import atranscribe_bytes as atranscribe_bytes
from azstt._api import atranscribe_file as atranscribe_file
from azstt._api import transcribe_bytes as transcribe_bytes
from azstt._api import transcribe_file as transcribe_file
from azstt._audio import AudioReader as AudioReader
from azstt._audio import ByteFeed as ByteFeed
from azstt._audio import Container as Container
from azstt._audio import DecodeReport as DecodeReport
from azstt._audio import open_audio as open_audio
from azstt._audio import to_wav as to_wav
from azstt._audio.microphone import Microphone as Microphone
from azstt._audio.microphone import microphone as microphone
from azstt._audio.samples import AudioChunk as AudioChunk
from azstt._audio_format import AudioFormat as AudioFormat
from azstt._errors import AudioDecodeError as AudioDecodeError
from azstt._errors import AudioError as AudioError
from azstt._errors import AudioFormatWarning as AudioFormatWarning
from azstt._errors import AudioSourceError as AudioSourceError
from azstt._errors import AudioTooLargeError as AudioTooLargeError
from azstt._errors import AuthenticationError as AuthenticationError
from azstt._errors import AzsttError as AzsttError
from azstt._errors import BackendFallbackWarning as BackendFallbackWarning
from azstt._errors import ConfigurationError as ConfigurationError
from azstt._errors import IncompleteAudioWarning as IncompleteAudioWarning
from azstt._errors import IncompleteTranscriptError as IncompleteTranscriptError
from azstt._errors import LowConfidenceWarning as LowConfidenceWarning
from azstt._errors import MissingDependencyError as MissingDependencyError
from azstt._errors import NoAudioStreamError as NoAudioStreamError
from azstt._errors import RecognitionError as RecognitionError
from azstt._errors import RecognitionTimeoutError as RecognitionTimeoutError
from azstt._errors import RequestError as RequestError
from azstt._errors import ServiceError as ServiceError
from azstt._errors import ServiceUnreachableError as ServiceUnreachableError
from azstt._errors import SessionStateError as SessionStateError
from azstt._errors import ThrottledError as ThrottledError
from azstt._events import AudioGap as AudioGap
from azstt._events import Committed as Committed
from azstt._events import Ended as Ended
from azstt._events import Event as Event
from azstt._events import Failed as Failed
from azstt._events import Final as Final
from azstt._events import Partial as Partial
from azstt._events import Reconnecting as Reconnecting
from azstt._events import SpeechEnded as SpeechEnded
from azstt._events import SpeechStarted as SpeechStarted
from azstt._events import Started as Started
from azstt._options import PronunciationOptions as PronunciationOptions
from azstt._options import RecognitionOptions as RecognitionOptions
from azstt._result import Alternative as Alternative
from azstt._result import AudioLedger as AudioLedger
from azstt._result import AudioTrack as AudioTrack
from azstt._result import Gap as Gap
from azstt._result import Progress as Progress
from azstt._result import PronouncedWord as PronouncedWord
from azstt._result import Pronunciation as Pronunciation
from azstt._result import Segment as Segment
from azstt._result import Sound as Sound
from azstt._result import Usage as Usage
from azstt._result import Word as Word
from azstt._sessions.blocking import BlockingLiveSession as BlockingLiveSession
from azstt._sessions.config import Overflow as Overflow
from azstt._sessions.live import LiveSession as LiveSession
from azstt._transcript import Transcript as Transcript
from azstt._warm_up import warm_up as warm_up
from azstt._web.server import BlockingWireServer as BlockingWireServer
from azstt._web.server import WireServer as WireServer

__version__ = "0.1.0"
