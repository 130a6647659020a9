from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from azstt import BackendFallbackWarning, ConfigurationError, transcribe_bytes
from azstt.backends import available, resolve
from azstt.testing import ScriptedBackend


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Ignore the machine's own settings."""
    for name in ("KEY", "REGION", "ENDPOINT", "HOST"):
        monkeypatch.delenv(f"AZURE_SPEECH_{name}", raising=False)
        monkeypatch.delenv(f"SPEECH_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


PLUGIN = Path(__file__).parents[1] / "plugin"


def test_the_embedded_backend_is_there():
    """The built-in backends are available by name."""
    assert {"azure", "local"} <= set(available())
    assert resolve("local").name == "local"


def test_an_object_is_taken_as_it_is():
    """A backend object needs no registration."""
    backend = ScriptedBackend()
    assert resolve(backend) is backend


def test_an_unknown_name_is_rejected():
    """The message lists the installed backends."""
    with pytest.raises(
        ConfigurationError, match=r"no such backend: 'whisper'; installed are .*local"
    ):
        resolve("whisper")


@pytest.mark.parametrize("wrong", [42, ScriptedBackend, object()])
def test_what_is_not_a_backend_is_rejected(wrong):
    """Anything else, such as a class in place of an object, is rejected with what is expected."""
    with pytest.raises(ConfigurationError, match=r"not a backend: .*name, capabilities and open"):
        resolve(wrong)


def test_the_fallback_warns_once():
    """Without a name the embedded backend is used, with one warning at the caller's line."""
    code = (
        "import warnings; from azstt.backends import resolve\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    assert resolve().name == resolve(None).name == 'local'\n"
        "assert len(caught) == 1, caught\n"
        "assert caught[0].filename == '<string>', caught[0]\n"
        "print(caught[0].category.__name__, caught[0].message)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(BackendFallbackWarning.__name__)
    assert "backend='local'" in done.stdout
    assert "AZURE_SPEECH_KEY and AZURE_SPEECH_REGION" in done.stdout


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"AZURE_SPEECH_HOST": "ws://127.0.0.1:1"}, "azure"),
        ({"SPEECH_KEY": "k", "SPEECH_REGION": "westus"}, "azure"),
        ({"AZURE_SEARCH_ENDPOINT": "https://search.example", "SPEECH_PORT": "1"}, "local"),
    ],
)
def test_azure_is_chosen_where_it_is_configured(monkeypatch, environment, name):
    """A host, or a key with its region, selects Azure; variables of other programs do not."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackendFallbackWarning)
        assert resolve(None).name == name


@pytest.mark.parametrize(
    ("environment", "dotenv", "said"),
    [
        (
            {"AZURE_SPEECH_KEY": "s3cret"},
            "",
            "AZURE_SPEECH_KEY is set; missing: AZURE_SPEECH_REGION",
        ),
        ({"SPEECH_REGION": "s3cret"}, "", "SPEECH_REGION is set; missing: AZURE_SPEECH_KEY"),
        ({"AZURE_SPEECH_KEY": ""}, "", "AZURE_SPEECH_KEY is empty; missing: AZURE_SPEECH_KEY and"),
        ({"AZURE_SPEECH_TOKEN": "s3cret"}, "", "missing: AZURE_SPEECH_REGION"),
        (
            {"AZURE_SPEECH_KEY": "s3cret"},
            "azure_speech_regon=s3cret",
            "AZURE_SPEECH_REGON in .env is not a setting (did you mean AZURE_SPEECH_REGION?)",
        ),
        (
            {"SPEECH_REGON": "s3cret"},
            "SPEECH_KEY=s3cret",
            "SPEECH_REGON is not a setting (did you mean SPEECH_REGION?), SPEECH_KEY in .env",
        ),
        (
            {"AZURE_SPECH_KEY": "s3cret", "AZURE_SPEECH_REGION": "westus"},
            "",
            "AZURE_SPECH_KEY is not a setting (did you mean AZURE_SPEECH_KEY?)",
        ),
        ({"AZURE_SPEECH_API_KEY": "s3cret"}, "", "did you mean AZURE_SPEECH_KEY?"),
    ],
)
def test_a_half_configured_azure_is_an_error(monkeypatch, tmp_path, environment, dotenv, said):
    """Half of Azure's settings is no reason to use another model: the error names what is wrong."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    (tmp_path / ".env").write_text(dotenv)
    with pytest.raises(ConfigurationError) as caught:
        transcribe_bytes(b"RIFF")
    assert said in str(caught.value)
    assert "or choose another backend, such as 'local'" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert resolve("local").name == "local"


def test_naming_azure_says_what_is_missing_too(monkeypatch, tmp_path):
    """With backend='azure', the error about a missing location names the mistyped variable."""
    monkeypatch.setenv("AZURE_SPEECH_KEY", "s3cret")
    (tmp_path / ".env").write_text("SPEECH_REGON=westus")
    with pytest.raises(ConfigurationError, match=r"set AZURE_SPEECH_REGION .*mean SPEECH_REGION\?"):
        transcribe_bytes(b"RIFF", backend="azure")


def test_naming_the_backend_does_not_warn():
    """Naming the backend avoids the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve("local")


def test_a_third_party_backend_is_found_by_its_entry_point(tmp_path):
    """A package that registers a backend only needs to be installed."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run(
        [*install, "--no-build-isolation", "--target", tmp_path, PLUGIN], check=True, cwd=tmp_path
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import azstt; from azstt.backends import available, resolve\n"
        "from azstt.testing import check_backend\n"
        "assert 'counting' in available()\n"
        "check_backend('counting', speech=bytes(64000))\n"
        "print(azstt.transcribe_file(sys.argv[1], backend='counting').text)"
    )
    jfk = Path(__file__).parents[1] / "audio" / "jfk.wav"
    done = subprocess.run(
        [sys.executable, "-c", code, jfk], capture_output=True, text=True, check=True
    )
    assert done.stdout == "11 seconds\n"
