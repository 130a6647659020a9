"""Several sessions at once, and recognizers that only detect the language."""

from __future__ import annotations

import azure.cognitiveservices.speech as sdk

from azstt.emulator import Script

SECOND = bytes(32_000)


def test_side_by_side(emulate, client, way):
    """Each of several concurrent sessions gets all the words of the script."""
    emulator = emulate(script=Script.saying("One two.", "Three four.", pause=0.5))
    clients = [client(way(emulator)) for _ in range(8)]
    for one in clients:
        one.begin(4 * SECOND)
    for one in clients:
        one.end()
    assert [one.texts for one in clients] == [["One two.", "Three four."]] * 8
    assert [record.number for record in emulator.requests] == list(range(8))


def test_language_alone(emulate, way):
    """A recognizer that only detects the language gets it."""
    script = Script.saying("Hello.")
    lid = sdk.languageconfig.AutoDetectSourceLanguageConfig(languages=["de-DE", "en-US"])
    config = way(emulate(script=script))
    stream = sdk.audio.PushAudioInputStream()
    audio = sdk.audio.AudioConfig(stream=stream)
    recognizer = sdk.SourceLanguageRecognizer(
        speech_config=config, auto_detect_source_language_config=lid, audio_config=audio
    )
    stream.write(2 * SECOND)
    stream.close()
    result = recognizer.recognize_once()
    assert sdk.AutoDetectSourceLanguageResult(result).language == "de-DE"
    del recognizer
