"""Map recognition options to the properties that Microsoft publishes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from azstt._errors import ConfigurationError
from azstt._options import RecognitionOptions
from azstt._units import milliseconds
from azstt.backends.azure._limits import AzureLimits
from azstt.backends.azure._settings import AzureSettings

DEFAULT_LANGUAGE = "en-US"
#: The maximum number of candidate languages: at the start, or throughout.
_MAX_AT_START = 4
_MAX_CONTINUOUS = 10
#: The path with continuous language detection; a host alone leads to an older one without it.
_UNIVERSAL_PATH = "/speech/universal/v2"


@dataclass(frozen=True)
class RecognitionRequest:
    """Where to connect, and what to request."""

    settings: AzureSettings
    options: RecognitionOptions
    limits: AzureLimits

    @property
    def languages(self) -> tuple[str, ...]:
        """The candidate languages, or the one language."""
        return self.options.language or (DEFAULT_LANGUAGE,)

    @property
    def address(self) -> dict[str, str]:
        """The keyword argument that tells the SDK where the service is."""
        kind, value = self.settings.address()
        if kind == "host" and self.options.language_changes:
            return {"endpoint": f"{value}{_UNIVERSAL_PATH}"}
        return {kind: value}

    def check(self) -> None:
        """Check that the options are compatible with each other.

        Raises:
            ConfigurationError: they are not, or no endpoint is configured.
        """
        options = self.options
        for name, other in _EXCLUSIVE:
            if getattr(options, name) and getattr(options, other):
                raise ConfigurationError(
                    f"options {name!r} and {other!r} cannot be combined with the 'azure' backend; "
                    "leave one out"
                )
        for name, other in _REQUIRES:
            if getattr(options, name) not in {None, False} and not getattr(options, other):
                raise ConfigurationError(f"option {name!r} requires {other!r}")
        self._check_languages()
        self.settings.address()
        self.settings.proxy_url()

    def _check_languages(self) -> None:
        options = self.options
        maximum = _MAX_CONTINUOUS if options.language_changes else _MAX_AT_START
        if len(options.language) > maximum:
            raise ConfigurationError(
                f"option 'language': the service takes at most {maximum} candidates, "
                f"not {len(options.language)}"
            )
        if options.language_changes and len(options.language) < 2:  # noqa: PLR2004 - one can't change
            raise ConfigurationError("option 'language_changes' requires several languages")
        if isinstance(options.custom_model, Mapping):
            unknown = set(options.custom_model) - set(self.languages)
            if unknown:
                raise ConfigurationError(
                    f"option 'custom_model' has a model for {', '.join(sorted(unknown))}, which is "
                    "not in option 'language'"
                )
        elif options.custom_model and len(options.language) > 1:
            raise ConfigurationError(
                "option 'custom_model': with several languages pass a mapping of language tags to "
                "model ids"
            )

    @property
    def custom_models(self) -> dict[str, str]:
        """The ids of custom models, by language."""
        model = self.options.custom_model
        if isinstance(model, Mapping):
            return dict(model)
        return {self.languages[0]: model} if model else {}

    @property
    def properties(self) -> dict[str, str]:
        """The properties to set, by their published names; the caller's own take precedence."""
        options, limits = self.options, self.limits
        properties = {
            "SpeechServiceResponse_RequestDetailedResultTrueFalse": "true",
            "SpeechServiceResponse_RequestWordLevelTimestamps": "true",
            "SPEECH-AudioThrottleAsPercentageOfRealTime": str(round(limits.pace * 100)),
            "SPEECH-MaxBufferSizeMs": milliseconds(limits.hold),
            "SPEECH-StopRecognitionTimeoutInSeconds": "0",  # we stop only what has ended
        }
        for field, name in _DURATIONS.items():
            if (seconds := getattr(options, field)) is not None:
                properties[name] = milliseconds(seconds)
        for field, (name, value) in _FLAGS.items():
            if getattr(options, field):
                properties[name] = value
        if options.profanity:
            properties["SpeechServiceResponse_ProfanityOption"] = options.profanity
        return properties | self._network | dict(options.properties)

    @property
    def _network(self) -> dict[str, str]:
        """The proxy, and the certificates to trust."""
        properties: dict[str, str] = {}
        if url := self.settings.proxy_url():
            proxy = urlsplit(url)
            properties["SpeechServiceConnection_ProxyHostName"] = proxy.hostname or ""
            properties["SpeechServiceConnection_ProxyPort"] = str(proxy.port or 8080)
            if proxy.username:
                properties["SpeechServiceConnection_ProxyUserName"] = unquote(proxy.username)
            if proxy.password:
                properties["SpeechServiceConnection_ProxyPassword"] = unquote(proxy.password)
        if self.settings.ca_bundle:
            properties["OPENSSL_SINGLE_TRUSTED_CERT"] = self.settings.ca_bundle.read_text()
            properties["OPENSSL_SINGLE_TRUSTED_CERT_CRL_CHECK"] = "false"
        return properties


#: Options in seconds, and their properties in milliseconds.
_DURATIONS = {
    "segmentation_silence": "Speech_SegmentationSilenceTimeoutMs",
    "segmentation_maximum": "Speech_SegmentationMaximumTimeMs",
    "initial_silence": "SpeechServiceConnection_InitialSilenceTimeoutMs",
}
_FLAGS = {
    "dictation": ("SpeechServiceConnection_RecoMode", "DICTATION"),
    "true_text": ("SpeechServiceResponse_PostProcessingOption", "TrueText"),
    "segmentation_semantic": ("Speech_SegmentationStrategy", "Semantic"),
    "language_changes": ("SpeechServiceConnection_LanguageIdMode", "Continuous"),
    "diarize_partials": ("SpeechServiceResponse_DiarizeIntermediateResults", "true"),
    "audio_logging": ("SpeechServiceConnection_EnableAudioLogging", "true"),
}
#: Options that cannot be combined.
_EXCLUSIVE = (
    ("diarize", "translate"),
    ("diarize", "pronunciation"),
    ("translate", "pronunciation"),
    ("dictation", "diarize"),
    ("segmentation_semantic", "segmentation_silence"),
)
#: Options that require another one.
_REQUIRES = (("diarize_partials", "diarize"), ("phrase_weight", "phrases"))
