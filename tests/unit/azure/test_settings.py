from __future__ import annotations

import pickle

import pytest

from azstt import ConfigurationError
from azstt.backends.azure._settings import AzureSettings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Remove the machine's own settings."""
    for name in ("KEY", "REGION", "ENDPOINT", "HOST", "TOKEN", "PROXY", "RESOURCE_ID", "CA_BUNDLE"):
        monkeypatch.delenv(f"AZURE_SPEECH_{name}", raising=False)
        monkeypatch.delenv(f"SPEECH_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def key_of(settings: AzureSettings) -> str | None:
    """Return the key in plain text."""
    return settings.key and settings.key.get_secret_value()


def test_arguments_then_environment_then_dotenv(monkeypatch, tmp_path):
    """Each setting comes from the first source that has it."""
    (tmp_path / ".env").write_text("AZURE_SPEECH_KEY=file\nSPEECH_REGION=filewest\n")
    assert (key_of(AzureSettings()), AzureSettings().region) == ("file", "filewest")
    monkeypatch.setenv("SPEECH_KEY", "samples")
    assert key_of(AzureSettings()) == "samples"
    monkeypatch.setenv("AZURE_SPEECH_KEY", "ours")
    assert key_of(AzureSettings()) == "ours"
    assert key_of(AzureSettings(key="given")) == "given"
    assert AzureSettings(key="given").region == "filewest"


@pytest.mark.parametrize("prefix", ["AZURE_SPEECH_", "SPEECH_"])
@pytest.mark.parametrize("name", ["key", "region", "endpoint"])
def test_the_names_of_the_vendors_samples_work(monkeypatch, prefix, name):
    """Variables set while following a tutorial of the vendor's are found."""
    value = {"endpoint": "https://me.cognitiveservices.azure.com"}.get(name, "westeurope")
    monkeypatch.setenv(f"{prefix}{name.upper()}", value)
    given = getattr(AzureSettings(), name)
    assert (given.get_secret_value() if name == "key" else given) == value


def test_an_empty_variable_is_none(monkeypatch):
    """An empty variable, as containers and CI leave them, counts as not set."""
    monkeypatch.setenv("AZURE_SPEECH_KEY", "")
    assert AzureSettings().key is None


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"region": "westeurope"}, ("region", "westeurope")),
        ({"region": "chinaeast2"}, ("host", "wss://chinaeast2.stt.speech.azure.cn")),
        ({"region": "usgovvirginia"}, ("host", "wss://usgovvirginia.stt.speech.azure.us")),
        ({"host": "ws://127.0.0.1:5000/"}, ("host", "ws://127.0.0.1:5000")),
        ({"endpoint": "https://me.x/y?z=1"}, ("endpoint", "https://me.x/y?z=1")),
        (
            {"host": "ws://h:1", "endpoint": "https://me.x", "region": "westus"},
            ("host", "ws://h:1"),
        ),
    ],
)
def test_the_location_is_mapped(settings, address):
    """Host wins over endpoint, that over region; sovereign clouds have their own domains."""
    assert AzureSettings(**settings).address() == address


def test_a_location_argument_overrides_the_environment(monkeypatch):
    """An explicit region is not overridden by a host left over in the environment."""
    monkeypatch.setenv("AZURE_SPEECH_HOST", "ws://127.0.0.1:1")
    monkeypatch.setenv("AZURE_SPEECH_KEY", "k")
    settings = AzureSettings(region="westus")
    assert settings.address() == ("region", "westus")
    assert key_of(settings) == "k"


@pytest.mark.parametrize(
    ("settings", "configured"),
    [
        ({}, False),
        ({"key": "k"}, False),
        ({"region": "westus"}, False),
        ({"region": "westus", "key": "k"}, True),
        ({"region": "westus", "token": "t"}, True),
        ({"host": "ws://h"}, True),
        ({"endpoint": "https://h"}, True),
    ],
)
def test_settings_know_whether_they_suffice(settings, configured):
    """A host or an endpoint alone suffices, and a key or token with a region."""
    assert AzureSettings(**settings).configured is configured


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"region": "West Europe"}, r"setting 'region' \(AZURE_SPEECH_REGION\).*westeurope"),
        ({"host": "localhost:5000"}, r"setting 'host'.*not a service URL.*ws://127"),
        ({"host": "ws://h/path"}, r"setting 'host'.*has a path; set it as endpoint"),
        ({"endpoint": "ftp://h"}, r"setting 'endpoint'.*not a service URL: 'ftp://h'"),
        ({"host": "ws://[::1"}, r"setting 'host'.*not a service URL"),
        ({"host": "ws://h:port"}, r"setting 'host'.*not a service URL: 'ws://h:port'"),
        ({"endpoint": "secret"}, r"setting 'endpoint'.*not a service URL; use"),
        ({"proxy": "user:secret"}, r"setting 'proxy'.*not a URL; use a URL such as http"),
        ({"proxy": "http://u:secret@p:port"}, r"setting 'proxy'.*not a URL; use"),
        ({"ca_bundle": "/no/such/file"}, r"setting 'ca_bundle'.*no such file: '/no/such/file'"),
    ],
)
def test_an_invalid_setting_is_named(settings, message):
    """The message says which setting is wrong, its variable, and the remedy."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        AzureSettings(**settings)
    assert "secret" not in str(caught.value)


def test_a_missing_location_is_an_error():
    """Without a location the message says how to set one."""
    assert AzureSettings().target == "not configured"
    with pytest.raises(
        ConfigurationError,
        match=r"no endpoint is configured.*set AZURE_SPEECH_REGION and AZURE_SPEECH_KEY",
    ):
        AzureSettings().address()


def test_no_secret_is_shown():
    """No secret is in repr, str, JSON, the description of the service or a pickle."""
    secrets = dict.fromkeys(("key", "token"), "s3cret")
    settings = AzureSettings(
        **secrets, endpoint="https://h/p?sig=s3cret", proxy="http://u:s3cret@p:1"
    )
    shown = settings.model_dump_json(exclude={"endpoint"}) + settings.target
    shown += repr(settings) + str(settings)
    shown += repr(settings.key) + repr(settings.token) + str(settings.proxy)
    assert "s3cret" not in shown
    assert b"s3cret" not in pickle.dumps(AzureSettings(key="s3cret", proxy="http://u:s3cret@p"))


def test_an_unpickled_copy_reads_the_key_of_its_environment(monkeypatch):
    """A copy in another process reads its secrets from its own environment."""
    settings = AzureSettings(key="here", region="westus")
    monkeypatch.setenv("AZURE_SPEECH_KEY", "there")
    copy = pickle.loads(pickle.dumps(settings))  # noqa: S301 - our own bytes
    assert (key_of(copy), copy.region) == ("there", "westus")


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "p:3128"}, "http://p:3128"),
        ({"ALL_PROXY": "http://q:1"}, "http://q:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".microsoft.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b, *"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "http://p:1"),
    ],
)
def test_the_systems_proxy_is_used(environment, proxy):
    """HTTPS_PROXY is used, unless NO_PROXY lists the service."""
    assert AzureSettings(region="westus", key="k").proxy_url(environment) == proxy


@pytest.mark.parametrize("proxy", ["socks5://p:1080", "http://p:port"])
def test_a_proxy_other_than_http_is_rejected(proxy):
    """A proxy that the SDK does not support is an error with a remedy."""
    with pytest.raises(
        ConfigurationError, match=r"not an HTTP proxy.*AZURE_SPEECH_PROXY.*NO_PROXY"
    ):
        AzureSettings(region="westus", key="k").proxy_url({"ALL_PROXY": proxy})


def test_loopback_needs_no_proxy():
    """An emulator is reached directly, unless a proxy is set explicitly."""
    environment = {"HTTPS_PROXY": "http://p:1"}
    assert AzureSettings(host="ws://127.0.0.1:5").proxy_url(environment) is None
    given = AzureSettings(host="ws://127.0.0.1:5", proxy="http://p:2")
    assert given.proxy_url(environment) == "http://p:2"
