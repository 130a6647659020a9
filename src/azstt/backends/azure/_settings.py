"""Settings of Azure Speech, from arguments, the environment or ``.env``; not read at import."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from azstt._errors import ConfigurationError
from azstt.backends.azure._environment import find_settings

#: The settings that say where the service is, in order of precedence.
_TARGETS = ("host", "endpoint", "region")
_SECRETS = frozenset({"key", "token"})
_HELP = {
    "region": "use a region's short name, such as westeurope",
    "host": "use a URL of scheme and name only, such as ws://127.0.0.1:5000",
    "endpoint": "use a URL such as https://my-resource.cognitiveservices.azure.com",
    "proxy": "use a URL such as http://user:password@proxy.example:8080",
    "ca_bundle": "use the path of a file with certificates in PEM format",
}


def _setting(name: str, *aliases: str) -> Any:  # noqa: ANN401 - pydantic's Field returns Any too
    """Return a field that can be set by several environment variables."""
    return Field(
        default=None, validation_alias=AliasChoices(name, f"AZURE_SPEECH_{name.upper()}", *aliases)
    )


class AzureSettings(BaseSettings):
    """Where Azure Speech is and how to sign in.

    Each setting is looked up in the arguments, then in the environment as ``AZURE_SPEECH_...``
    (key, region, endpoint and host also as ``SPEECH_...``), then in a file ``.env`` in the working
    directory. One location is enough: ``host`` takes precedence over ``endpoint``, and that over
    ``region``; a location passed as an argument overrides all locations in the environment.

    Secrets appear in no repr, log, error or pickle: an unpickled copy reads them from its own
    environment.

    Attributes:
        key: the resource's key. None sends no key: containers and emulators need none.
        token: a bearer token that you renew yourself, instead of a key.
        region: such as ``westeurope``; also regions of the US Government and China clouds.
        endpoint: the resource's own URL, such as a private link or a custom domain.
        host: scheme and name of a container or an emulator, such as ``ws://127.0.0.1:5000``.
        resource_id: the resource's Azure id; makes Entra ID tokens work with ``region``.
        proxy: URL of an HTTP proxy, with user name and password if it requires them. None uses
            HTTPS_PROXY, unless NO_PROXY lists the service.
        ca_bundle: certificates to trust instead of the system's, in PEM format.

    Raises:
        ConfigurationError: a setting is invalid; the message names it and the remedy.
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
            raise ConfigurationError(_error_message(error)) from None

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
        """Let a location from one source override the locations from the sources below it."""
        return init_settings, _LowerSource(env_settings), _LowerSource(dotenv_settings)

    @model_validator(mode="after")
    def _validate(self) -> Self:
        for name in ("host", "endpoint"):
            url = getattr(self, name)
            if url and not _is_url(url, "ws", "wss", "http", "https"):
                # text that is not a URL at all may be the key, in the wrong variable
                shown = f": {_without_query(url)!r}" if "://" in url else ""
                raise ValueError(f"{name}: not a service URL{shown}")
        if self.host and urlsplit(self.host).path.strip("/"):
            raise ValueError(f"host: {self.host!r} has a path; set it as endpoint instead")
        if self.ca_bundle and not self.ca_bundle.is_file():
            raise ValueError(f"ca_bundle: no such file: {str(self.ca_bundle)!r}")
        if self.proxy and not _is_url(self.proxy.get_secret_value(), "http", "https"):
            raise ValueError("proxy: not a URL")
        return self

    @property
    def configured(self) -> bool:
        """Whether the settings suffice to connect: host, endpoint, or region and key or token."""
        return bool(self.host or self.endpoint or (self.region and (self.key or self.token)))

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return the settings of the environment and ``.env``; None if there are none at all.

        Raises:
            ConfigurationError: a setting is invalid, or they do not suffice to connect: the message
                says what is set, what is missing and which names are perhaps mistyped.
        """
        settings = cls()
        if settings.configured:
            return settings
        if not (found := _found()):
            return None
        if settings.region:
            missing = "AZURE_SPEECH_KEY"
        elif settings.key or settings.token:
            missing = "AZURE_SPEECH_REGION, AZURE_SPEECH_ENDPOINT or AZURE_SPEECH_HOST"
        else:
            missing = "AZURE_SPEECH_KEY and AZURE_SPEECH_REGION, or AZURE_SPEECH_ENDPOINT"
        raise ConfigurationError(
            f"Azure Speech is only partly configured: {found}; missing: {missing}; set that too, "
            "or choose another backend, such as 'local'"
        )

    @property
    def target(self) -> str:
        """The location of the service, for people: ``region 'westeurope'``."""
        for name in _TARGETS:
            if value := getattr(self, name):
                return f"{name} {_without_query(value)!r}"
        return "not configured"

    def address(self) -> tuple[Literal["host", "endpoint", "region"], str]:
        """Return the location for the SDK: its kind and its value.

        Sovereign clouds are mapped here: the SDK treats US Government regions as public ones.

        Raises:
            ConfigurationError: no endpoint is configured.
        """
        if self.host:
            return "host", self.host.rstrip("/")
        if self.endpoint:
            return "endpoint", self.endpoint
        if self.region is None:
            so_far = f"; so far {found}" if (found := _found()) else ""
            raise ConfigurationError(
                "no endpoint is configured for the 'azure' backend: set AZURE_SPEECH_REGION and "
                "AZURE_SPEECH_KEY, or AZURE_SPEECH_ENDPOINT, or AZURE_SPEECH_HOST for a "
                f"container, in the environment or a .env file, or pass AzureSettings(...){so_far}"
            )
        if domain := _sovereign(self.region):
            return "host", f"wss://{self.region}.stt.speech.{domain}"
        return "region", self.region

    @property
    def server(self) -> tuple[str, int]:
        """The host name and port to connect to.

        Raises:
            ConfigurationError: no endpoint is configured.
        """
        kind, value = self.address()
        if kind == "region":
            return f"{value}.stt.speech.microsoft.com", 443
        url = urlsplit(value)
        return url.hostname or "", url.port or (80 if url.scheme in {"ws", "http"} else 443)

    def proxy_url(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """Return the proxy to use: the explicit one, or the one from HTTPS_PROXY and NO_PROXY.

        Raises:
            ConfigurationError: no endpoint is configured, or the environment's proxy is not an
                HTTP proxy.
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
                "the proxy in HTTPS_PROXY or ALL_PROXY is not an HTTP proxy, the only kind that "
                f"the Speech SDK supports; {_HELP['proxy']} in AZURE_SPEECH_PROXY, or list the "
                "service in NO_PROXY"
            )
        return url

    @override
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Hide the query of the endpoint too: it may contain a key."""
        for name, value in super().__repr_args__():
            yield name, _without_query(value) if name == "endpoint" and value else value

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without secrets: the copy reads them from its own environment."""
        fields = {name: getattr(self, name) for name in _FIELDS - _SECRETS - {"proxy"}}
        return _rebuild, ({name: value for name, value in fields.items() if value is not None},)


_FIELDS = frozenset(AzureSettings.model_fields)


def _found() -> str:
    """Return what the environment and ``.env`` hold of the settings, for messages."""
    aliases = [field.validation_alias for field in AzureSettings.model_fields.values()]
    choices = [alias.choices for alias in aliases if isinstance(alias, AliasChoices)]
    variables = (
        EnvSettingsSource(AzureSettings, env_ignore_empty=False).env_vars,
        DotEnvSettingsSource(AzureSettings, env_ignore_empty=False).env_vars,
    )
    return ", ".join(
        find_settings(
            {str(name) for _, *names in choices for name in names},
            dict(zip(("", " in .env"), variables, strict=True)),
        )
    )


class _LowerSource(PydanticBaseSettingsSource):
    """Wraps a source to drop its locations if a source above has set one."""

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
    """Return the field name for an environment variable."""
    return re.sub(r"^(azure_)?speech_", "", alias.lower())


def _rebuild(fields: dict[str, Any]) -> AzureSettings:
    """Unpickle."""
    return AzureSettings(**fields)


def _error_message(error: ValidationError) -> str:
    """Name the setting and the remedy; never the value of a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    name = _field(str(first["loc"][0])) if first["loc"] else message.partition(":")[0]
    text = message.partition(": ")[2] if message.startswith(f"{name}: ") else message.lower()
    remedy = _HELP.get(name, "see AzureSettings")
    return f"setting {name!r} (AZURE_SPEECH_{name.upper()}): {text}; {remedy}"


def _sovereign(region: str) -> str | None:
    """Return the domain of a region outside the public cloud."""
    if region.startswith(("usgov", "usdod")):
        return "azure.us"
    return "azure.cn" if region.startswith("china") else None


def _bypassed(name: str, no_proxy: str) -> bool:
    """Whether NO_PROXY lists a host, or a domain that contains it."""
    if name in {"localhost", "127.0.0.1", "::1"}:
        return True
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    domains = [entry.lstrip("*.") for entry in entries]
    return "*" in entries or any(
        domain and (name == domain or name.endswith(f".{domain}")) for domain in domains
    )


def _is_url(text: str, *schemes: str) -> bool:
    """Whether the text is a URL with one of the schemes, a host name, and a valid port if any."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _without_query(url: str) -> str:
    """Remove the query, which may contain a signature."""
    return url.partition("?")[0]
