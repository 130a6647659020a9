"""An Azure Speech-to-Text service on loopback, for the unmodified SDKs to connect to.

    with azstt.emulator.serve(script=Script.saying("Hello.")) as emulator:
        ...  # SpeechConfig(host=emulator.host), AZURE_SPEECH_HOST, AzureSettings(host=...)

Requires the extra ``emulator``.
"""

from azstt.emulator._command import run
from azstt.emulator._script import (
    Script,
    Utterance,
)
from azstt.emulator._serve import (
    Emulator,
    EngineName,
    FilePath,
    serve,
)
from azstt.emulator._service.markers import marked_wav
from azstt.emulator._service.records import (
    RequestRecord,
    TurnRecord,
)
from azstt.emulator.faults import Faults

__all__ = [
    "Emulator",
    "EngineName",
    "Faults",
    "FilePath",
    "RequestRecord",
    "Script",
    "TurnRecord",
    "Utterance",
    "marked_wav",
    "run",
    "serve",
]
