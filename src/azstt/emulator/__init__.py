"""An Azure Speech-to-Text service on loopback, for the unmodified SDKs to connect to.

    with azstt.emulator.serve(script=Script.saying("Hello.")) as emulator:
        ...  # SpeechConfig(host=emulator.host), AZURE_SPEECH_HOST, AzureSettings(host=...)

Requires the extra ``emulator``.
"""

from azstt.emulator._command import run as run
from azstt.emulator._serve import Emulator as Emulator
from azstt.emulator._serve import serve as serve
from azstt.emulator._service.markers import marked_wav as marked_wav
from azstt.emulator.faults import Faults as Faults
from azstt.emulator.script import Script as Script
from azstt.emulator.script import Utterance as Utterance
