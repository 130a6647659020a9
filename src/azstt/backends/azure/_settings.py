"""How to reach Azure Speech: arguments, then the environment, then ``.env``; nothing at import."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from azstt._errors import ConfigurationError

#: The settings that say where the service is, the one that wins first.
_TARGETS = ("host", "endpoint", "region")
_SECRETS = frozenset({"key", "token"})
_HELP = {
    "region": "a region is a short name such as westeurope",
    "host": "write scheme and name alone, such as ws://127.0.0.1:5000",
    "endpoint": "write a URL such as https://my-resource.cognitiveservices.azure.com",
    "proxy": "write a URL such as http://user:password@proxy.example:8080",
    "ca_bundle": "give the path of a file with certificates in PEM form",
}


def _setting(name: str, *aliases: str) -> Any:  # noqa: ANN401 - pydantic's Field gives Any too
    """Make a field that the environment knows under several names."""
    return Field(
        default=None, validation_alias=AliasChoices(name, f"AZURE_SPEECH_{name.upper()}", *aliases)
    )


class AzureSettings(BaseSettings):
    """Where Azure Speech is and how it knows you.

    Each is looked for among the arguments, then in the environment as ``AZURE_SPEECH_...`` (key,
    region and endpoint also as ``SPEECH_...``), then in a file ``.env`` in the working directory.
    One place is enough: ``host`` wins over ``endpoint``, that over ``region``; a place that is
    given as an argument puts aside those of the environment.

    The key shows in no repr, log, error or pickle: a copy in another process looks for it there.

    Attributes:
        key: the resource's key. None sends none: containers and emulators need none.
        token: a bearer token that you renew yourself, in place of a key.
        region: such as ``westeurope``; also of the US Government and China clouds.
        endpoint: the resource's own URL, such as a private link or a custom domain.
        host: scheme and name of a container or an emulator, such as ``ws://127.0.0.1:5000``.
        resource_id: the resource's Azure id; makes Entra ID tokens work with ``region``.
        proxy: URL of an HTTP proxy, with a user name and password if it wants them. None is
            what HTTPS_PROXY says, unless NO_PROXY names the service.
        ca_bundle: certificates to trust in place of the system's, in PEM form.

    Raises:
        ConfigurationError: a setting is wrong; the message names it and what would do.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    key: SecretStr | None = _setting("key", "SPEECH_KEY")
    token: SecretStr | None = _setting("token")
    region: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = _setting(
        "region", "SPEECH_REGION"
    )
    endpoint: str | None = _setting("endpoint", "SPEECH_ENDPOINT")
    host: str | None = _setting("host", "SPEECH_HOST")
    resource_id: str | None = _setting("resource_id")
    proxy: SecretStr | None = _setting("proxy")
    ca_bundle: Path | None = _setting("ca_bundle")

    def __init__(
        self,
        *,
        key: str | SecretStr | None = None,
        token: str | SecretStr | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        host: str | None = None,
        resource_id: str | None = None,
        proxy: str | SecretStr | None = None,
        ca_bundle: str | Path | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in _FIELDS}
        try:
            super().__init__(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise ConfigurationError(_complaint(error)) from None

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let a place that is named higher up put aside the places named below."""
        return init_settings, _Below(env_settings), _Below(dotenv_settings)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name in ("host", "endpoint"):
            url = getattr(self, name)
            if url and not _is_url(url, "ws", "wss", "http", "https"):
                # what is no URL at all may be the key, in the wrong variable
                shown = f": {_without_query(url)!r}" if "://" in url else ""
                raise ValueError(f"{name}: not a URL of a service{shown}")
        if self.host and urlsplit(self.host).path.strip("/"):
            raise ValueError(f"host: {self.host!r} has a path; give it as endpoint instead")
        if self.ca_bundle and not self.ca_bundle.is_file():
            raise ValueError(f"ca_bundle: there is no file {str(self.ca_bundle)!r}")
        if self.proxy and not _is_url(self.proxy.get_secret_value(), "http", "https"):
            raise ValueError("proxy: not a URL")
        return self

    @property
    def configured(self) -> bool:
        """Whether there is enough to connect: host or endpoint, or a region and a key or token."""
        return bool(self.host or self.endpoint or (self.region and (self.key or self.token)))

    @property
    def target(self) -> str:
        """Where it is, for people: ``region 'westeurope'``."""
        for name in _TARGETS:
            if value := getattr(self, name):
                return f"{name} {_without_query(value)!r}"
        return "nowhere"

    def address(self) -> tuple[Literal["host", "endpoint", "region"], str]:
        """Give what the SDK is to be told: the kind of place, and which.

        Sovereign clouds are mapped here: the SDK takes US Government regions for public ones.

        Raises:
            ConfigurationError: no place is set.
        """
        if self.host:
            return "host", self.host.rstrip("/")
        if self.endpoint:
            return "endpoint", self.endpoint
        if self.region is None:
            raise ConfigurationError(
                "the 'azure' backend does not know where the service is: set AZURE_SPEECH_REGION "
                "and AZURE_SPEECH_KEY, or AZURE_SPEECH_ENDPOINT, or AZURE_SPEECH_HOST for a "
                "container, in the environment or a .env file, or give AzureSettings(...)"
            )
        if domain := _sovereign(self.region):
            return "host", f"wss://{self.region}.stt.speech.{domain}"
        return "region", self.region

    @property
    def server(self) -> tuple[str, int]:
        """The name and the port that are connected to.

        Raises:
            ConfigurationError: no place is set.
        """
        kind, place = self.address()
        if kind == "region":
            return f"{place}.stt.speech.microsoft.com", 443
        url = urlsplit(place)
        return url.hostname or "", url.port or (80 if url.scheme in {"ws", "http"} else 443)

    def proxy_url(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """Give the proxy to use: the explicit one, or what HTTPS_PROXY and NO_PROXY say.

        Raises:
            ConfigurationError: no place is set, or the environment's proxy is none for HTTP.
        """
        if self.proxy is not None:
            return self.proxy.get_secret_value()
        name, _ = self.server
        names = {key.lower(): value for key, value in environment.items()}
        url = names.get("https_proxy") or names.get("all_proxy")
        if not url or _bypassed(name, names.get("no_proxy", "")):
            return None
        url = url if "://" in url else f"http://{url}"
        if not _is_url(url, "http", "https"):
            raise ConfigurationError(
                "the proxy in HTTPS_PROXY or ALL_PROXY is not one for HTTP, which alone the Speech "
                f"SDK can use; {_HELP['proxy']} as AZURE_SPEECH_PROXY, or name the service in "
                "NO_PROXY"
            )
        return url

    @override
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show no query either: it may hold a key."""
        for name, value in super().__repr_args__():
            yield name, _without_query(value) if name == "endpoint" and value else value

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without secrets: the copy looks for them in its own environment."""
        fields = {name: getattr(self, name) for name in _FIELDS - _SECRETS - {"proxy"}}
        return _rebuild, ({name: value for name, value in fields.items() if value is not None},)


_FIELDS = frozenset(AzureSettings.model_fields)


class _Below(PydanticBaseSettingsSource):
    """A source that says nothing of places once a source above has named one."""

    def __init__(self, source: PydanticBaseSettingsSource) -> None:
        super().__init__(source.settings_cls)
        self._source: PydanticBaseSettingsSource = source

    @override
    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    @override
    def __call__(self) -> dict[str, Any]:
        values = self._source()
        if any(self.current_state.get(name) is not None for name in _TARGETS):
            values = {name: value for name, value in values.items() if _field(name) not in _TARGETS}
        return values


def _field(alias: str) -> str:
    """Give the field that a name of the environment stands for."""
    return re.sub(r"^(azure_)?speech_", "", alias.lower())


def _rebuild(fields: dict[str, Any]) -> AzureSettings:
    """Unpickle."""
    return AzureSettings(**fields)


def _complaint(error: ValidationError) -> str:
    """Name the setting and what would do; never the value of a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    name = _field(str(first["loc"][0])) if first["loc"] else message.partition(":")[0]
    text = message.partition(": ")[2] if message.startswith(f"{name}: ") else message.lower()
    remedy = _HELP.get(name, "see AzureSettings")
    return f"setting {name!r} (AZURE_SPEECH_{name.upper()}): {text}; {remedy}"


def _sovereign(region: str) -> str | None:
    """Give the domain of a region outside the public cloud."""
    if region.startswith(("usgov", "usdod")):
        return "azure.us"
    return "azure.cn" if region.startswith("china") else None


def _bypassed(name: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names a host, or a domain that it lies in."""
    if name in {"localhost", "127.0.0.1", "::1"}:
        return True
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    domains = [entry.lstrip("*.") for entry in entries]
    return "*" in entries or any(
        domain and (name == domain or name.endswith(f".{domain}")) for domain in domains
    )


def _is_url(text: str, *schemes: str) -> bool:
    """Whether it is a URL, with one of the schemes, a name, and a port if any that can be."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _without_query(url: str) -> str:
    """Drop what may hold a signature."""
    return url.partition("?")[0]
