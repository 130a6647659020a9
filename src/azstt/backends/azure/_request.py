"""What is asked of the service, as the properties that Microsoft publishes. Pure."""

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
#: How many candidate languages the service takes at the start, and where they may change.
_MOST_AT_START = 4
_MOST_CHANGING = 10
#: Where continuous language detection is served; a host alone gives the older path, which has none.
_UNIVERSAL = "/speech/universal/v2"


@dataclass(frozen=True)
class Request:
    """Where to connect, and what to ask for."""

    settings: AzureSettings
    options: RecognitionOptions
    limits: AzureLimits

    @property
    def languages(self) -> tuple[str, ...]:
        """The candidates, or the one language."""
        return self.options.language or (DEFAULT_LANGUAGE,)

    @property
    def place(self) -> dict[str, str]:
        """The arguments that tell the SDK where the service is."""
        kind, value = self.settings.address()
        if kind == "host" and self.options.language_changes:
            return {"endpoint": f"{value}{_UNIVERSAL}"}
        return {kind: value}

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            ConfigurationError: names the options and the remedy.
        """
        options = self.options
        for name, other in _EXCLUSIVE:
            if getattr(options, name) and getattr(options, other):
                raise ConfigurationError(
                    f"options {name!r} and {other!r} do not go together with the 'azure' backend; "
                    "leave one out"
                )
        for name, other in _NEEDED:
            if getattr(options, name) not in {None, False} and not getattr(options, other):
                raise ConfigurationError(f"option {name!r} needs {other!r}")
        self._check_languages()
        self.settings.address()
        self.settings.proxy_url()

    def _check_languages(self) -> None:
        options = self.options
        most = _MOST_CHANGING if options.language_changes else _MOST_AT_START
        if len(options.language) > most:
            raise ConfigurationError(
                f"option 'language': the service takes {most} candidates, "
                f"not {len(options.language)}"
            )
        if options.language_changes and len(options.language) < 2:  # noqa: PLR2004 - one can't change
            raise ConfigurationError("option 'language_changes' needs several languages to detect")
        if isinstance(options.custom_model, Mapping):
            unknown = set(options.custom_model) - set(self.languages)
            if unknown:
                raise ConfigurationError(
                    f"option 'custom_model' names {', '.join(sorted(unknown))}, which 'language' "
                    "does not"
                )
        elif options.custom_model and len(options.language) > 1:
            raise ConfigurationError(
                "option 'custom_model': with several languages give a model for each tag, "
                "as a mapping"
            )

    @property
    def models(self) -> dict[str, str]:
        """The ids of models of one's own, by language."""
        model = self.options.custom_model
        if isinstance(model, Mapping):
            return dict(model)
        return {self.languages[0]: model} if model else {}

    @property
    def properties(self) -> dict[str, str]:
        """The properties to set, by their published names; the caller's own come last."""
        options, limits = self.options, self.limits
        chosen = {
            "SpeechServiceResponse_RequestDetailedResultTrueFalse": "true",
            "SpeechServiceResponse_RequestWordLevelTimestamps": "true",
            "SPEECH-AudioThrottleAsPercentageOfRealTime": str(round(limits.pace * 100)),
            "SPEECH-MaxBufferSizeMs": milliseconds(limits.hold),
            "SPEECH-StopRecognitionTimeoutInSeconds": "0",  # what is stopped here is over
        }
        for field, name in _IN_MILLISECONDS.items():
            if (seconds := getattr(options, field)) is not None:
                chosen[name] = milliseconds(seconds)
        for field, (name, value) in _SWITCHES.items():
            if getattr(options, field):
                chosen[name] = value
        if options.profanity:
            chosen["SpeechServiceResponse_ProfanityOption"] = options.profanity
        return chosen | self._network | dict(options.properties)

    @property
    def _network(self) -> dict[str, str]:
        """The proxy, and the certificates to trust."""
        chosen: dict[str, str] = {}
        if url := self.settings.proxy_url():
            proxy = urlsplit(url)
            chosen["SpeechServiceConnection_ProxyHostName"] = proxy.hostname or ""
            chosen["SpeechServiceConnection_ProxyPort"] = str(proxy.port or 8080)
            if proxy.username:
                chosen["SpeechServiceConnection_ProxyUserName"] = unquote(proxy.username)
            if proxy.password:
                chosen["SpeechServiceConnection_ProxyPassword"] = unquote(proxy.password)
        if self.settings.ca_bundle:
            chosen["OPENSSL_SINGLE_TRUSTED_CERT"] = self.settings.ca_bundle.read_text()
            chosen["OPENSSL_SINGLE_TRUSTED_CERT_CRL_CHECK"] = "false"
        return chosen


_IN_MILLISECONDS = {
    "segmentation_silence": "Speech_SegmentationSilenceTimeoutMs",
    "segmentation_maximum": "Speech_SegmentationMaximumTimeMs",
    "initial_silence": "SpeechServiceConnection_InitialSilenceTimeoutMs",
}
_SWITCHES = {
    "dictation": ("SpeechServiceConnection_RecoMode", "DICTATION"),
    "true_text": ("SpeechServiceResponse_PostProcessingOption", "TrueText"),
    "segmentation_semantic": ("Speech_SegmentationStrategy", "Semantic"),
    "language_changes": ("SpeechServiceConnection_LanguageIdMode", "Continuous"),
    "diarize_partials": ("SpeechServiceResponse_DiarizeIntermediateResults", "true"),
    "audio_logging": ("SpeechServiceConnection_EnableAudioLogging", "true"),
}
_EXCLUSIVE = (
    ("diarize", "translate"),
    ("diarize", "pronunciation"),
    ("translate", "pronunciation"),
    ("dictation", "diarize"),
    ("segmentation_semantic", "segmentation_silence"),
)
_NEEDED = (("diarize_partials", "diarize"), ("phrase_weight", "phrases"))
