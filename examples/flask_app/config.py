"""The settings, from the environment or a file ``.env``, and their defaults."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

#: The default for ``AZSTT_WEB_LANGUAGES``.
_LANGUAGES = (
    "ar-EG bg-BG ca-ES cs-CZ da-DK de-AT de-CH de-DE el-GR en-AU en-CA en-GB en-IE en-IN en-US "
    "es-ES es-MX et-EE fi-FI fr-BE fr-CA fr-CH fr-FR he-IL hi-IN hr-HR hu-HU id-ID it-IT ja-JP "
    "ko-KR lt-LT lv-LV nb-NO nl-BE nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sl-SI sv-SE th-TH "
    "tr-TR uk-UA vi-VN zh-CN zh-HK zh-TW"
)


class Config(BaseSettings):
    """Settings of the app; each is ``AZSTT_WEB_...`` in the environment.

    The endpoint and credentials of Azure Speech are not included: azstt reads them itself.

    Attributes:
        secret_key: signs the cookies; also plain ``SECRET_KEY``. Without one, a random key is
            created and stored with the transcripts, so that they stay accessible after a restart.
        backend: the name of the recognizer; None for Azure Speech if configured, otherwise local.
        data: the folder of the database. Audio is never written there, or anywhere else.
        languages: tags to choose from, separated by spaces.
        hosts: host names that the app is served under, separated by spaces. ``localhost`` and
            IP addresses are always allowed.
        max_upload: the largest recording, in bytes. It is held in memory until it is decoded.
        max_seconds: the longest recording or live session.
        per_client: the most simultaneous uploads and live sessions of one browser.
        at_once: the most of all browsers together. Multiplied by ``max_upload``, it bounds the
            memory for recordings.
        grace: seconds that an upload or a live session waits for a lost connection.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="AZSTT_WEB_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    secret_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("secret_key", "AZSTT_WEB_SECRET_KEY")
    )
    backend: str | None = None
    data: Path = Path(__file__).parent / "instance"
    languages: str = _LANGUAGES
    hosts: str = ""
    max_upload: Annotated[int, Field(gt=0)] = 200_000_000
    max_seconds: Annotated[float, Field(gt=0)] = 2 * 3600.0
    per_client: Annotated[int, Field(gt=0)] = 2
    at_once: Annotated[int, Field(gt=0)] = 8
    grace: Annotated[float, Field(gt=0)] = 60.0

    def signing_key(self) -> str:
        """Return the key that signs cookies. The first call creates one if none is set."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        path = self.data / "secret_key"
        new = path.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(32), encoding="ascii")
        with suppress(FileExistsError):
            os.link(new, path)  # atomic, and never replaces an existing key
        new.unlink()
        return path.read_text(encoding="ascii")
