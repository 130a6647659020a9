"""What the scripted engine says, and what every engine's phrases are made of."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from azstt._assembly.words import spread_words
from azstt._errors import ConfigurationError
from azstt._models import FrozenModel
from azstt._result import Seconds, Segment, Word

Model = TypeVar("Model", bound=FrozenModel)

_Perhaps: TypeAlias = Annotated[str | None, Field(repr=False)]
#: What the service says of a phrase.
Status: TypeAlias = Literal["Success", "NoMatch", "InitialSilenceTimeout", "BabbleTimeout"]


def _or_first(channel: object) -> object:
    """Take the first channel for None."""
    return 0 if channel is None else channel


class Utterance(Segment):
    """A segment, and what else the service can say of one. Times count from the first sample.

    A translation or a pronunciation that the client asks for and the script does not have is made
    up, the same every time.

    Attributes:
        lexical: the words as spoken; None is ``text`` in lower case without punctuation.
        itn: with numbers and the like written as such; None is as ``lexical``.
        masked: ``itn`` with profanity masked; None is masked by the emulator's own list.
        channel: the audio channel it is spoken on; None is the first.
        status: what the service makes of it.
    """

    lexical: _Perhaps = None
    itn: _Perhaps = None
    masked: _Perhaps = None
    channel: Annotated[int, BeforeValidator(_or_first), Field(ge=0)] = 0  # pyright: ignore[reportIncompatibleVariableOverride] - narrower, and frozen
    status: Status = "Success"

    def spoken(self) -> tuple[Word, ...]:
        """Give the words, spread over the utterance by length where there are none."""
        return self.words or spread_words(self.text.split(), self.start, self.end)

    def shifted(self, seconds: float) -> Self:
        """Give it so many seconds earlier."""

        def moved(span: Word | Utterance) -> dict[str, float]:
            # Rounded, what begins just there may lie before the beginning.
            return {"start": max(0.0, span.start - seconds), "end": max(0.0, span.end - seconds)}

        words = tuple(word.model_copy(update=moved(word)) for word in self.words)
        return self.model_copy(update={**moved(self), "words": words})

    def since(self, at: Seconds) -> Self | None:
        """Give the rest of it from ``at`` on: the words that begin there or later."""
        if not _begins_before(self, at):
            return self
        words = tuple(word for word in self.spoken() if not _begins_before(word, at))
        if not words:
            return None
        text = " ".join(word.text for word in words)
        rest = {"text": text, "words": words, "start": words[0].start}
        return self.model_copy(update=rest | {"lexical": None, "itn": None, "masked": None})

    def until(self, at: Seconds) -> Self | None:
        """Give what of it there is in audio that ends then: the words that begin before."""
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
    """What is said when, by the audio's time.

    Attributes:
        segments: utterances, in order.
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
        """Make a script of sentences, one utterance each, with a pause between two."""
        segments: list[Utterance] = []
        for sentence in sentences:
            end = start + seconds_a_word * len(sentence.split())
            segments.append(Utterance(text=sentence, start=start, end=end))
            start = end + pause
        return cls(segments=tuple(segments))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Script:
        """Read a script from JSON: a transcript's ``segments`` will do.

        Raises:
            ConfigurationError: the file can't be read, or is no script.
        """
        return read_model(cls, path)


def _begins_before(span: Word | Utterance, at: float) -> bool:
    """Tell it to the microsecond: times are differences of others, and no word is in two turns."""
    return round(span.start - at, 6) < 0


def read_model(kind: type[Model], path: str | PathLike[str]) -> Model:
    """Read a model from a JSON file.

    Raises:
        ConfigurationError: the file can't be read, or does not hold what it should.
    """
    name = kind.__name__.lower()
    try:
        return kind.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"the {name} {str(path)!r} can't be read: {error.strerror}; give a JSON file"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigurationError(
            f"the {name} {str(path)!r} is wrong at {where!r}: {first['msg'].lower()}"
        ) from None
