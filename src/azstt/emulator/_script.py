"""Scripts for the scripted engine, and the utterances that every engine emits."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field

from azstt._assembly.words import spread_words
from azstt._errors import ConfigurationError
from azstt._models import FrozenModel
from azstt._result import Segment, Word

Model = TypeVar("Model", bound=FrozenModel)

_OptionalText: TypeAlias = Annotated[str | None, Field(repr=False)]
#: The service's status of a phrase.
Status: TypeAlias = Literal["Success", "NoMatch", "InitialSilenceTimeout", "BabbleTimeout"]


def _default_to_first(channel: object) -> object:
    """Replace None by the first channel."""
    return 0 if channel is None else channel


class Utterance(Segment):
    """A segment with the additional data that the service can return.

    Times are in seconds from the first sample. Translations and pronunciation scores that the
    client asks for and the script lacks are made up, and are the same in every run.

    Attributes:
        lexical: the words as spoken; None is ``text`` in lower case without punctuation.
        itn: the text after inverse text normalization (numbers as digits); None is ``lexical``.
        masked: ``itn`` with profanity masked; None masks it with the emulator's own list.
        channel: the audio channel; None is the first.
        status: the recognition status that the service returns.
    """

    lexical: _OptionalText = None
    itn: _OptionalText = None
    masked: _OptionalText = None
    channel: Annotated[int, BeforeValidator(_default_to_first), Field(ge=0)] = 0  # pyright: ignore[reportIncompatibleVariableOverride] - narrower, and frozen
    status: Status = "Success"

    def spoken(self) -> tuple[Word, ...]:
        """Return the words; without any, those of ``text`` with times by their length."""
        return self.words or spread_words(self.text.split(), self.start, self.end)

    def shifted(self, seconds: float) -> Self:
        """Return it moved ``seconds`` earlier."""

        def moved(span: Word | Utterance) -> dict[str, float]:
            # a rounding error could make the start negative
            return {"start": max(0.0, span.start - seconds), "end": max(0.0, span.end - seconds)}

        words = tuple(word.model_copy(update=moved(word)) for word in self.words)
        return self.model_copy(update={**moved(self), "words": words})

    def since(self, at: float) -> Self | None:
        """Return the rest of it: the words that begin at ``at`` or later; None without any."""
        if not _begins_before(self, at):
            return self
        words = tuple(word for word in self.spoken() if not _begins_before(word, at))
        if not words:
            return None
        text = " ".join(word.text for word in words)
        rest = {"text": text, "words": words, "start": words[0].start}
        return self.model_copy(update=rest | {"lexical": None, "itn": None, "masked": None})

    def until(self, at: float) -> Self | None:
        """Return the part before ``at``: the words that begin earlier; None without any."""
        if self.end <= at:
            return self
        spoken = self.spoken()
        words = tuple(
            word.model_copy(update={"end": min(word.end, at)})
            for word in spoken
            if _begins_before(word, at)
        )
        if not _begins_before(self, at) or (spoken and not words):
            return None
        text = " ".join(word.text for word in words)
        rest = {"text": text, "words": words, "end": at}
        return self.model_copy(update=rest | {"lexical": None, "itn": None, "masked": None})


class Script(FrozenModel):
    """What is said and when, in terms of the audio's time.

    Attributes:
        segments: the utterances, in order.
    """

    segments: Annotated[tuple[Utterance, ...], Field(repr=False)] = ()

    @classmethod
    def saying(
        cls,
        *sentences: str,
        start: float = 0.0,
        seconds_a_word: float = 0.3,
        pause: float = 0.0,
    ) -> Script:
        """Return a script with an utterance per sentence and a pause between them; in seconds."""
        segments: list[Utterance] = []
        for sentence in sentences:
            end = start + seconds_a_word * len(sentence.split())
            segments.append(Utterance(text=sentence, start=start, end=end))
            start = end + pause
        return cls(segments=tuple(segments))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Script:
        """Read a script from a JSON file; a saved transcript is one too.

        Raises:
            ConfigurationError: the file can't be read or is invalid.
        """
        return read_model(cls, path)


def _begins_before(span: Word | Utterance, at: float) -> bool:
    """Compare to the microsecond: times are sums of floats, and no word may be in two turns."""
    return round(span.start - at, 6) < 0


def read_model(kind: type[Model], path: str | PathLike[str]) -> Model:
    """Read a model from a JSON file.

    Raises:
        ConfigurationError: the file can't be read or is invalid.
    """
    name = kind.__name__.lower()
    try:
        return kind.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"the {name} file {str(path)!r} can't be read: {error.strerror}"
        ) from error
    except ConfigurationError as error:
        raise ConfigurationError(f"the {name} file {str(path)!r} is invalid: {error}") from None
