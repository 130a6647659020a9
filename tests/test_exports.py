from __future__ import annotations

import ast
import builtins
import inspect
import pickle
import sys
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import pytest

import azstt
import azstt.backends
import azstt.backends.azure
import azstt.backends.local
import azstt.emulator
import azstt.emulator.engines
import azstt.emulator.faults
import azstt.testing

PUBLIC = {
    azstt: {
        *("transcribe_file", "transcribe_bytes", "atranscribe_file", "atranscribe_bytes"),
        *("AudioSource", "AudioChunk", "SupportsRead", "BytesLike", "Samples"),
        *("TranscribeOptions", "Channels", "Profanity"),
        *("LiveSession", "BlockingLiveSession", "Overflow", "Container", "LiveOptions"),
        *("AudioChunks", "Feed", "BlockingFeed", "Transcription"),
        *("microphone", "Microphone", "warm_up", "ProgressCallback"),
        *("WireServer", "BlockingWireServer", "OpenSession", "WireSend", "WireReceive"),
        *("open_audio", "to_wav", "AudioReader", "ByteFeed", "DecodeReport", "MediaTimeline"),
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
        *("AudioFormatWarning", "LowConfidenceWarning", "partial_of", "__version__"),
    },
    azstt.backends: {
        *("RecognizerBackend", "RecognizerSession", "Capabilities", "Emit"),
        *("CommittingSession", "UpdatingSession", "ReconnectingSession", "ReconnectHook"),
        *("PreloadingBackend", "QueuingSession", "available", "resolve"),
    },
    azstt.backends.azure: {
        *("AzureBackend", "AzureSettings", "AzureLimits", "ReconnectPolicy"),
        *("AccessToken", "Token", "TokenCredential"),
    },
    azstt.backends.local: {"LocalBackend"},
    azstt.emulator: {
        *("serve", "run", "Emulator", "Script", "Utterance", "Faults", "marked_wav"),
        *("EngineName", "FilePath", "RequestRecord", "TurnRecord"),
    },
    azstt.emulator.engines: {
        *("Engine", "EngineSession", "EngineCallback", "EngineEvent", "Phrase", "Processed"),
        *("TurnRequest", "Assessment", "StreamFormat", "Mode"),
    },
    azstt.emulator.faults: {
        *("Fault", "Faults", "TimedFault", "Refuse", "Stall", "Outage", "Close", "Drop"),
        *("Expire", "Mute", "EndTurn", "NoTurnEnd", "NoAcks", "Delay", "Malformed"),
        *("BadStatus", "Duplicate", "Reorder"),
    },
    azstt.testing: {"ScriptedBackend", "Cue", "check_backend"},
}
NAMES = set().union(*PUBLIC.values())
#: Classes that azstt makes for its users, who never call their constructors.
MADE_BY_AZSTT = {"AudioReader", "BlockingFeed", "Emulator", "Microphone", "Transcription"}

#: The methods that users call without their names.
CALLED = {"__init__", "__iter__", "__aiter__", "__next__", "__anext__", "__enter__", "__aenter__"}


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_the_public_names_are_these(module):
    """Nothing becomes public, or stops being so, without this list saying it."""
    assert sorted(module.__all__) == sorted(PUBLIC[module])
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(
    "module", [m for m in PUBLIC if hasattr(m, "__path__")], ids=lambda module: module.__name__
)
def test_a_public_package_only_exports(module):
    """What a package offers is what its ``__all__`` says: nothing is defined or leaks there."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body[1:]:
        assert isinstance(node, ast.ImportFrom | ast.Assign)
    offered = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert offered == set(module.__all__) - {"__version__"}


def functions_of(name: str, value: object):
    """Yield a public name's functions: itself, or the methods and properties of the class."""
    if inspect.isfunction(value):
        yield name, inspect.unwrap(value)
    if not inspect.isclass(value):
        return
    for member in dir(value):
        found = inspect.getattr_static(value, member)
        function = getattr(found, "fget", None) or getattr(found, "__func__", found)
        if (
            inspect.isfunction(function)
            and function.__module__.startswith("azstt")
            and (member in CALLED or not member.startswith("_"))
            and (member != "__init__" or name not in MADE_BY_AZSTT)
        ):
            yield f"{name}.{member}", function


def aliases() -> set[str]:
    """Return what is assigned at the tops of azstt's modules, such as type aliases."""
    nodes = (
        node
        for path in Path(azstt.__file__).parent.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )
    return {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def types_of(function) -> set[str]:
    """Return the names in a function's annotations that are not Python's or a type variable's."""
    known = vars(builtins) | vars(sys.modules[function.__module__])
    names = {
        node.id
        for annotation in inspect.get_annotations(function).values()
        for node in ast.walk(ast.parse(str(annotation), mode="eval"))
        if isinstance(node, ast.Name)
    }
    return {name for name in names if not isinstance(known.get(name), TypeVar | TypeVarTuple)}


def test_the_types_of_public_signatures_are_public():
    """A wrapper of any public function can be annotated without an import of a private module."""
    named, private = aliases(), []
    for module in PUBLIC:
        for name in module.__all__:
            for where, function in functions_of(name, getattr(module, name)):
                scope = vars(builtins) | vars(sys.modules[function.__module__])
                for used in types_of(function) - NAMES:
                    home = getattr(scope.get(used), "__module__", None) or ""
                    if used not in scope or home.startswith("azstt") or used in named:
                        private.append(f"{used} in {module.__name__}.{where}")
    assert not private, "\n".join(private)


@pytest.mark.parametrize("name", sorted(n for n in PUBLIC[azstt] if n.endswith("Error")))
def test_errors_survive_pickling(name):
    """An error crosses a process boundary with its message and its data."""
    error = getattr(azstt, name)("it failed")
    error.partial = azstt.Transcript(backend="scripted")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is type(error)
    assert str(copy) == "it failed"
    assert copy.partial == error.partial
