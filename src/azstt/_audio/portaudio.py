"""PortAudio devices and errors. The only importer of sounddevice."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from azstt._audio_format import AudioFormat
from azstt._errors import AudioSourceError, ConfigurationError, MissingDependencyError
from azstt._threads.imports import guarded_import

#: Objects of sounddevice, which ships no types.
Untyped: TypeAlias = Any

#: The name of the source in errors.
WHERE = "<microphone>"
#: PortAudio's error codes for channels, a rate or a sample format that a device does not support.
_UNSUPPORTED = (-9998, -9997, -9994)


def binding() -> Untyped:
    """Import sounddevice, which loads PortAudio.

    Raises:
        MissingDependencyError: sounddevice or PortAudio is not installed.
    """
    try:
        with guarded_import("sounddevice", needed_by="the microphone", extra="mic"):
            return import_module("sounddevice")
    except OSError as error:
        raise MissingDependencyError(
            "the microphone needs the PortAudio library, which is not installed; on Debian and "
            "Ubuntu: apt-get install libportaudio2"
        ) from error


class Device(NamedTuple):
    """An input device."""

    number: int
    name: str
    channels: int
    sample_rate: int
    is_default: bool


def devices() -> list[Device]:
    """List the input devices.

    Raises:
        MissingDependencyError: see `binding`.
    """
    portaudio = binding()
    found = [device for device in portaudio.query_devices() if device["max_input_channels"] > 0]
    if not found:
        return []
    default = portaudio.default.device[0]
    if default < 0:
        default = portaudio.query_hostapis(portaudio.default.hostapi)["default_input_device"]
    return [
        Device(
            number=device["index"],
            name=device["name"],
            channels=device["max_input_channels"],
            sample_rate=round(device["default_samplerate"]),
            is_default=device["index"] == default,
        )
        for device in found
    ]


def own_format(device: int | str | None) -> AudioFormat:
    """Return the best format to record in: 16 kHz mono, or the device's default if unsupported.

    Raises:
        MissingDependencyError: see `binding`.
    """
    portaudio, best = binding(), AudioFormat()
    try:
        portaudio.check_input_settings(device, 1, "int16", samplerate=best.sample_rate)
    except ValueError:
        return best  # there is no such device; opening it reports that
    except portaudio.PortAudioError as error:
        if _code(error) in _UNSUPPORTED:
            own = portaudio.query_devices(device, "input")
            rate, channels = round(own["default_samplerate"]), min(own["max_input_channels"], 2)
            return AudioFormat(sample_rate=rate, channels=channels)
    return best


def refusal(
    error: Exception, device: int | str | None, audio: AudioFormat
) -> ConfigurationError | AudioSourceError:
    """Return our error for a device that could not be opened."""
    if _code(error) in _UNSUPPORTED:
        return ConfigurationError(
            f"the microphone does not support {audio!r}; see `azstt live --devices` for what it "
            "supports"
        )
    known = devices()
    if not known:
        return AudioSourceError("no microphone found; connect one", source=WHERE)
    if device is not None and (isinstance(error, ValueError) or "querying" in str(error)):
        return ConfigurationError(
            f"device {device!r} matches no microphone, or more than one; see `azstt live --devices`"
        )
    return AudioSourceError(f"could not open the microphone: {error}", source=WHERE)


def _code(error: Exception) -> object:
    """Return PortAudio's error code, if there is one."""
    return error.args[1] if len(error.args) > 1 else None
