"""Azure Speech through the vendor's own SDK: the service, a container, or the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, MissingDependencyError
from azstt._options import RecognitionOptions
from azstt._threads.imports import guarded_import
from azstt.backends._base import Capabilities, Emit, RecognizerSession
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._limits import AzureLimits, ReconnectPolicy
from azstt.backends.azure._request import DEFAULT_LANGUAGE, Request
from azstt.backends.azure._settings import AzureSettings
from azstt.backends.azure._tokens import Token, TokenCredential, Tokens

if TYPE_CHECKING:
    from azstt.backends.azure._session import AzureSession, Plan

#: What another recognizer can have otherwise, without giving results of another kind: no speakers,
#: translations or readings where there were none.
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
        settings: where the service is and how it knows you; None looks in the environment.
        credential: of azure-identity, sync or async, in place of a key. Its first token is
            fetched before any audio; later ones in time.
        token: a bearer token, or a function that gives the one of now, in place of a key.
        limits: what bounds every wait, and the memory.
        reconnect: how a lost connection is made again.

    Raises:
        ConfigurationError: a setting is wrong, or two ways to sign in were given.
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
            raise ConfigurationError("give a credential or a token, not both")
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
        """Whether the environment, or a file ``.env``, says where the service is."""
        return AzureSettings().configured

    @property
    def name(self) -> str:
        """``"azure"``."""
        return BACKEND

    @property
    def capabilities(self) -> Capabilities:
        """What it can do: every option, in every language of the service."""
        waits = self._limits
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
            # Ours come first: the longest wait, and the one for the next attempt.
            stall_timeout=max(waits.connect, waits.idle + waits.first_response)
            + waits.stop
            + waits.sign_in
            + self._policy.total,
        )

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Make a session.

        Raises:
            ConfigurationError: the service is nowhere, or options do not go together.
            MissingDependencyError: the Speech SDK does not load on this machine.
        """
        request = Request(self._settings, options, self._limits)
        request.check()
        session, plan = _import_session()
        return session(plan(request, self._policy, self._tokens()), audio, emit)

    def preload(self) -> None:
        """Load the Speech SDK; see `azstt.backends.PreloadingBackend`.

        Raises:
            MissingDependencyError: the Speech SDK does not load on this machine.
        """
        _import_session()

    def __repr__(self) -> str:
        """Say where it is, and no secret."""
        return f"AzureBackend({self._settings.target})"

    def _tokens(self) -> Tokens | None:
        """Make the source of tokens for a session, if there is one."""
        if self._source is None:
            return None
        return Tokens(self._source, self._settings.resource_id, self._limits.sign_in)

    def _check_sign_in(self, credential: TokenCredential | None) -> None:
        settings = self._settings
        if settings.region and not (settings.host or settings.endpoint):
            if not (settings.key or self._source):
                raise ConfigurationError(
                    f"region {settings.region!r} needs a key: set AZURE_SPEECH_KEY, or give "
                    "AzureBackend(credential=...) or (token=...)"
                )
            if credential is not None and not settings.resource_id:
                raise ConfigurationError(
                    "a credential needs the resource's own endpoint (AZURE_SPEECH_ENDPOINT), or "
                    "its Azure id beside the region (AZURE_SPEECH_RESOURCE_ID)"
                )


def _import_session() -> tuple[type[AzureSession], type[Plan]]:
    """Import the session, and with it the Speech SDK, which takes 110 ms."""
    try:
        with guarded_import("azure.cognitiveservices.speech"):
            from azstt.backends.azure import _session  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            "the Speech SDK does not load: pip install azure-cognitiveservices-speech; on Linux it "
            "needs glibc, OpenSSL and ALSA (libasound2)"
        ) from error
    return _session.AzureSession, _session.Plan
