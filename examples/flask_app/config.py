"""What may be set, from the environment or a file ``.env``, and what is when nothing is."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

#: Where a browser's language is not among these, ``AZSTT_WEB_LANGUAGES`` adds it.
_LANGUAGES = (
    "ar-EG bg-BG ca-ES cs-CZ da-DK de-AT de-CH de-DE el-GR en-AU en-CA en-GB en-IE en-IN en-US "
    "es-ES es-MX et-EE fi-FI fr-BE fr-CA fr-CH fr-FR he-IL hi-IN hr-HR hu-HU id-ID it-IT ja-JP "
    "ko-KR lt-LT lv-LV nb-NO nl-BE nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sl-SI sv-SE th-TH "
    "tr-TR uk-UA vi-VN zh-CN zh-HK zh-TW"
)


class Config(BaseSettings):
    """Settings of the app; each is ``AZSTT_WEB_...`` in the environment.

    Where Azure Speech is and how it knows you is not here: azstt looks for that by itself.

    Attributes:
        secret_key: signs the cookies; also plain ``SECRET_KEY``. Without one a random key is made
            and kept beside the transcripts, so that they can still be reached after a restart.
        backend: who recognizes, by name; None is Azure Speech if it is configured, else local.
        data: the folder of the database. No audio is ever written there, or anywhere.
        languages: tags to choose from, with spaces between.
        hosts: names that browsers may reach the app by, with spaces between. ``localhost`` and
            bare IP addresses need not be named.
        max_upload: bytes of one recording. They are held in memory while they wait to be decoded.
        max_seconds: how long a recording, or a live session, may be.
        per_client: uploads and live sessions that one browser may have at work at once.
        at_once: those of all browsers together; times ``max_upload`` it is the most memory.
        grace: seconds that an upload or a live session waits for a connection that was lost.
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
        """Give the key that signs cookies; the first call makes one where none is set."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        path = self.data / "secret_key"
        new = path.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(32), encoding="ascii")
        with suppress(FileExistsError):
            os.link(new, path)  # whole or not at all, and never over the one that is there
        new.unlink()
        return path.read_text(encoding="ascii")
