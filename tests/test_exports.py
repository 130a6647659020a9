from __future__ import annotations

import pickle

import pytest

import azstt
import azstt.backends
import azstt.emulator
import azstt.testing

PUBLIC = {
    azstt: {
        *("transcribe_file", "transcribe_bytes", "atranscribe_file", "atranscribe_bytes"),
        *("LiveSession", "BlockingLiveSession", "Overflow", "AudioChunk", "Container"),
        *("microphone", "Microphone", "warm_up"),
        *("WireServer", "BlockingWireServer"),
        *("open_audio", "to_wav", "AudioReader", "ByteFeed", "DecodeReport"),
        *("AudioFormat", "RecognitionOptions", "Progress", "Usage"),
        *("PronunciationOptions", "Alternative", "Pronunciation", "PronouncedWord", "Sound"),
        *("Transcript", "Segment", "Word", "AudioLedger", "AudioTrack", "Gap"),
        *("Event", "Started", "SpeechStarted", "Partial", "Final", "SpeechEnded", "AudioGap"),
        *("Committed", "Reconnecting", "Ended", "Failed"),
        *("AzsttError", "ConfigurationError", "MissingDependencyError", "SessionStateError"),
        *("AudioError", "AudioSourceError", "AudioDecodeError", "NoAudioStreamError"),
        *("AudioTooLargeError", "RecognitionError", "AuthenticationError", "RequestError"),
        *("ThrottledError", "ServiceUnreachableError", "RecognitionTimeoutError", "ServiceError"),
        *("IncompleteTranscriptError", "BackendFallbackWarning", "IncompleteAudioWarning"),
        *("AudioFormatWarning", "partial_of"),
    },
    azstt.backends: {
        *("RecognizerBackend", "RecognizerSession", "Capabilities", "Emit"),
        *("CommittingSession", "UpdatingSession", "ReconnectingSession", "ReconnectHook"),
        *("PreloadingBackend", "QueuingSession", "available", "resolve"),
    },
    azstt.emulator: {
        *("serve", "run", "Emulator", "Script", "Utterance", "Faults", "marked_wav"),
    },
    azstt.testing: {"ScriptedBackend", "Cue", "check_backend"},
}


def public_names(module) -> set[str]:
    """Give the names of a module that are no modules and not private."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and type(value).__name__ != "module"
    }


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_the_public_names_are_these(module):
    """Nothing becomes public, or stops being so, without this list saying it."""
    assert public_names(module) == PUBLIC[module]


@pytest.mark.parametrize("name", sorted(n for n in PUBLIC[azstt] if n.endswith("Error")))
def test_errors_survive_pickling(name):
    """An error crosses a process boundary with its message and its data."""
    error = getattr(azstt, name)("it failed")
    error.partial = azstt.Transcript(backend="scripted")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is type(error)
    assert str(copy) == "it failed"
    assert copy.partial == error.partial
