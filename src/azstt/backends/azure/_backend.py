"""The Azure backend: checks settings, options and sign-in, and opens sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, MissingDependencyError
from azstt._options import RecognitionOptions
from azstt._threads.imports import guarded_import
from azstt.backends._base import Capabilities, Emit, RecognizerSession
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._limits import AzureLimits, ReconnectPolicy
from azstt.backends.azure._request import DEFAULT_LANGUAGE, RecognitionRequest
from azstt.backends.azure._settings import AzureSettings
from azstt.backends.azure._tokens import Token, TokenCache, TokenCredential

if TYPE_CHECKING:
    from azstt.backends.azure._session import AzureSession

#: Options that can change within a session: those that do not change the kind of results, such as
#: adding speakers, translations or readings.
_UPDATES = frozenset(
    {
        "language",
        "language_changes",
        "custom_model",
        "phrases",
        "phrase_weight",
        "profanity",
        "dictation",
        "true_text",
        "segmentation_silence",
        "segmentation_maximum",
        "segmentation_semantic",
        "initial_silence",
        "pronunciation",
        "audio_logging",
    }
)


class AzureBackend:
    """Azure Speech-to-Text, in real time, over the Speech SDK.

    Args:
        settings: where the service is and how to sign in; None reads the environment.
        credential: an azure-identity credential, sync or async, instead of a key. Its first token
            is fetched before any audio is sent, later ones before they expire.
        token: a bearer token, or a function that returns the current one, instead of a key.
        limits: bounds on every wait, and on memory.
        reconnect: how to reestablish a lost connection.

    Raises:
        ConfigurationError: a setting is invalid, or both credential and token were passed.
    """

    def __init__(
        self,
        settings: AzureSettings | None = None,
        *,
        credential: TokenCredential | None = None,
        token: Token | None = None,
        limits: AzureLimits | None = None,
        reconnect: ReconnectPolicy | None = None,
    ) -> None:
        if credential is not None and token is not None:
            raise ConfigurationError("pass either credential or token, not both")
        self._settings: AzureSettings = settings or AzureSettings()
        self._limits: AzureLimits = limits or AzureLimits()
        self._policy: ReconnectPolicy = reconnect or ReconnectPolicy()
        secret = self._settings.token
        self._source: Token | TokenCredential | None = (
            credential or token or (secret.get_secret_value() if secret else None)
        )
        self._check_sign_in(credential)

    @classmethod
    def is_configured(cls) -> bool:
        """Whether the environment, or a file ``.env``, has the settings to connect.

        Raises:
            ConfigurationError: it has some of them, or mistyped names; the message says which.
        """
        return AzureSettings.from_environment() is not None

    @property
    def name(self) -> str:
        """``"azure"``."""
        return BACKEND

    @property
    def capabilities(self) -> Capabilities:
        """Every option, in every language of the service."""
        limits = self._limits
        return Capabilities(
            default_language=DEFAULT_LANGUAGE,
            language_detection=True,
            diarization=True,
            phrases=True,
            partials=True,
            segmentation=True,
            confidence=True,
            word_times="measured",
            sample_rates=(16_000, 8_000),
            options=frozenset(RecognitionOptions.model_fields),
            commits=True,
            updates=_UPDATES,
            reconnects=True,
            # Longer than our own limits, so that those apply first: the longest wait, and
            # everything until the next attempt.
            stall_timeout=max(limits.connect, limits.idle + limits.first_response)
            + limits.stop
            + limits.sign_in
            + self._policy.total,
        )

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Open a session; does not connect yet.

        Raises:
            ConfigurationError: no endpoint is configured, or options cannot be combined.
            MissingDependencyError: the Speech SDK does not load on this machine.
        """
        request = RecognitionRequest(self._settings, options, self._limits)
        request.check()
        session = _import_session()
        return session(request, self._policy, self._tokens(), audio, emit)

    def preload(self) -> None:
        """Load the Speech SDK; see `azstt.backends.PreloadingBackend`.

        Raises:
            MissingDependencyError: the Speech SDK does not load on this machine.
        """
        _import_session()

    def __repr__(self) -> str:
        """Show the location of the service, and no secret."""
        return f"AzureBackend({self._settings.target})"

    def _tokens(self) -> TokenCache | None:
        """Return a token cache for a session; None without a token or credential."""
        if self._source is None:
            return None
        return TokenCache(self._source, self._settings.resource_id, self._limits.sign_in)

    def _check_sign_in(self, credential: TokenCredential | None) -> None:
        settings = self._settings
        if settings.region and not (settings.host or settings.endpoint):
            if not (settings.key or self._source):
                raise ConfigurationError(
                    f"region {settings.region!r} requires a key: set AZURE_SPEECH_KEY, or pass "
                    "credential or token to AzureBackend"
                )
            if credential is not None and not settings.resource_id:
                raise ConfigurationError(
                    "a credential requires the resource's own endpoint (AZURE_SPEECH_ENDPOINT), or "
                    "its Azure id along with the region (AZURE_SPEECH_RESOURCE_ID)"
                )


def _import_session() -> type[AzureSession]:
    """Import the session, and with it the Speech SDK, which takes 110 ms."""
    try:
        with guarded_import("azure.cognitiveservices.speech"):
            from azstt.backends.azure._session import AzureSession  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            "the Speech SDK does not load: pip install azure-cognitiveservices-speech; on Linux it "
            "needs glibc, OpenSSL and ALSA (libasound2)"
        ) from error
    return AzureSession
