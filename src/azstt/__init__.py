"""Turn audio and video into typed transcripts.

``transcribe_file`` and ``transcribe_bytes`` (async: ``atranscribe_file``, ``atranscribe_bytes``)
return the `Transcript` of a recording, and a `LiveSession` transcribes speech while it is spoken.
``open_audio`` decodes anything that holds audio to PCM. All times are in seconds.
"""

from azstt._api import (
    atranscribe_bytes,
    atranscribe_file,
    transcribe_bytes,
    transcribe_file,
)
from azstt._audio import (
    AudioReader,
    AudioSource,
    ByteFeed,
    BytesLike,
    Container,
    DecodeReport,
    MediaTimeline,
    open_audio,
    to_wav,
)
from azstt._audio.inputs import SupportsRead
from azstt._audio.microphone import (
    Microphone,
    microphone,
)
from azstt._audio.samples import (
    AudioChunk,
    Samples,
)
from azstt._audio_format import AudioFormat
from azstt._errors import (
    AudioDecodeError,
    AudioError,
    AudioFormatWarning,
    AudioSourceError,
    AudioTooLargeError,
    AuthenticationError,
    AzsttError,
    BackendFallbackWarning,
    ConfigurationError,
    IncompleteAudioWarning,
    IncompleteTranscriptError,
    LowConfidenceWarning,
    MissingDependencyError,
    NoAudioStreamError,
    RecognitionError,
    RecognitionTimeoutError,
    RequestError,
    ServiceError,
    ServiceUnreachableError,
    SessionStateError,
    ThrottledError,
    partial_of,
)
from azstt._events import (
    AudioGap,
    Committed,
    Ended,
    Event,
    Failed,
    Final,
    Partial,
    Reconnecting,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt._options import (
    Channels,
    LiveOptions,
    Profanity,
    PronunciationOptions,
    RecognitionOptions,
    TranscribeOptions,
)
from azstt._result import (
    Alternative,
    AudioLedger,
    AudioTrack,
    Gap,
    Progress,
    PronouncedWord,
    Pronunciation,
    Segment,
    Sound,
    Usage,
    Word,
)
from azstt._sessions.batch import ProgressCallback
from azstt._sessions.blocking import (
    BlockingFeed,
    BlockingLiveSession,
)
from azstt._sessions.config import Overflow
from azstt._sessions.feed import (
    AudioChunks,
    Feed,
    Transcription,
)
from azstt._sessions.live import LiveSession
from azstt._transcript import Transcript
from azstt._warm_up import warm_up
from azstt._web.host import OpenSession
from azstt._web.server import (
    BlockingWireServer,
    WireServer,
)
from azstt._web.session import (
    WireReceive,
    WireSend,
)

__all__ = [
    "Alternative",
    "AudioChunk",
    "AudioChunks",
    "AudioDecodeError",
    "AudioError",
    "AudioFormat",
    "AudioFormatWarning",
    "AudioGap",
    "AudioLedger",
    "AudioReader",
    "AudioSource",
    "AudioSourceError",
    "AudioTooLargeError",
    "AudioTrack",
    "AuthenticationError",
    "AzsttError",
    "BackendFallbackWarning",
    "BlockingFeed",
    "BlockingLiveSession",
    "BlockingWireServer",
    "ByteFeed",
    "BytesLike",
    "Channels",
    "Committed",
    "ConfigurationError",
    "Container",
    "DecodeReport",
    "Ended",
    "Event",
    "Failed",
    "Feed",
    "Final",
    "Gap",
    "IncompleteAudioWarning",
    "IncompleteTranscriptError",
    "LiveOptions",
    "LiveSession",
    "LowConfidenceWarning",
    "MediaTimeline",
    "Microphone",
    "MissingDependencyError",
    "NoAudioStreamError",
    "OpenSession",
    "Overflow",
    "Partial",
    "Profanity",
    "Progress",
    "ProgressCallback",
    "PronouncedWord",
    "Pronunciation",
    "PronunciationOptions",
    "RecognitionError",
    "RecognitionOptions",
    "RecognitionTimeoutError",
    "Reconnecting",
    "RequestError",
    "Samples",
    "Segment",
    "ServiceError",
    "ServiceUnreachableError",
    "SessionStateError",
    "Sound",
    "SpeechEnded",
    "SpeechStarted",
    "Started",
    "SupportsRead",
    "ThrottledError",
    "TranscribeOptions",
    "Transcript",
    "Transcription",
    "Usage",
    "WireReceive",
    "WireSend",
    "WireServer",
    "Word",
    "__version__",
    "atranscribe_bytes",
    "atranscribe_file",
    "microphone",
    "open_audio",
    "partial_of",
    "to_wav",
    "transcribe_bytes",
    "transcribe_file",
    "warm_up",
]

__version__ = "0.1.0"
