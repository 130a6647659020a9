"""PortAudio: its binding, its devices and its errors. The only importer of sounddevice."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from azstt._audio_format import AudioFormat
from azstt._errors import AudioSourceError, ConfigurationError, MissingDependencyError
from azstt._threads.imports import guarded_import

#: What sounddevice gives: it ships no types.
Untyped: TypeAlias = Any

#: What errors call the source.
WHERE = "<microphone>"
#: PortAudio's codes for channels, a rate or samples that a device does not record.
_UNFIT = (-9998, -9997, -9994)


def binding() -> Untyped:
    """Import sounddevice, which loads PortAudio.

    Raises:
        MissingDependencyError: it, or PortAudio itself, is not installed.
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
    """A device that records."""

    number: int
    name: str
    channels: int
    sample_rate: int
    is_default: bool


def devices() -> list[Device]:
    """Give the devices that record.

    Raises:
        MissingDependencyError: as of `binding`.
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
    """Give what is best recorded: 16 kHz mono, or else what the device itself is set to.

    Raises:
        MissingDependencyError: as of `binding`.
    """
    portaudio, best = binding(), AudioFormat()
    try:
        portaudio.check_input_settings(device, 1, "int16", samplerate=best.sample_rate)
    except ValueError:
        return best  # there is no such device; whoever opens it is told
    except portaudio.PortAudioError as error:
        if _code(error) in _UNFIT:
            own = portaudio.query_devices(device, "input")
            rate, channels = round(own["default_samplerate"]), min(own["max_input_channels"], 2)
            return AudioFormat(sample_rate=rate, channels=channels)
    return best


def refusal(
    error: Exception, device: int | str | None, audio: AudioFormat
) -> ConfigurationError | AudioSourceError:
    """Say in our words why a device does not record."""
    if _code(error) in _UNFIT:
        return ConfigurationError(
            f"the microphone does not record {audio!r}; `azstt live --devices` shows what it does"
        )
    known = devices()
    if not known:
        return AudioSourceError("there is no microphone; connect one", source=WHERE)
    if device is not None and (isinstance(error, ValueError) or "querying" in str(error)):
        return ConfigurationError(
            f"no such microphone, or several: {device!r}; `azstt live --devices` shows what there "
            "is"
        )
    return AudioSourceError(f"the microphone can't be opened: {error}", source=WHERE)


def _code(error: Exception) -> object:
    """Give PortAudio's code, where it has one."""
    return error.args[1] if len(error.args) > 1 else None
