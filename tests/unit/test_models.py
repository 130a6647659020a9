from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from azstt import AudioFormat, ConfigurationError, RecognitionOptions, Segment, Transcript, Word
from azstt.backends import Capabilities
from azstt.backends.azure import AzureLimits, ReconnectPolicy
from azstt.emulator.faults import Faults, Refuse


def test_values_do_not_change():
    """A result is immutable, so it can be shared between threads."""
    word = Word(text="hello", start=0, end=1)
    with pytest.raises(ValidationError):
        word.start = 0.5


def test_an_error_shows_no_input():
    """Transcript text does not leak through a validation error."""
    with pytest.raises(ConfigurationError) as caught:
        Segment(text="a secret", start=2, end=1)
    assert str(caught.value) == "Segment: end 1.0 is before start 2.0"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: AudioFormat(sample_rate=1),
            "AudioFormat.sample_rate should be greater than or equal to 4000, not 1",
        ),
        (
            lambda: AudioFormat(8_000, 2),
            (
                "AudioFormat takes its values by name: AudioFormat(sample_rate=..., channels=..., "
                "sample_width=..., floating=...)"
            ),
        ),
        (
            lambda: AudioFormat(floating=True),
            "AudioFormat: floating samples need sample_width=4, not 2",
        ),
        (
            lambda: AudioFormat(sample_rate="8k", channels=0),
            (
                "AudioFormat.sample_rate should be a valid integer, not '8k'; "
                "AudioFormat.channels should be greater than or equal to 1, not 0"
            ),
        ),
        (
            lambda: AzureLimits(conect=5),
            "AzureLimits has no field 'conect'; did you mean 'connect'?",
        ),
        (
            lambda: ReconnectPolicy(attempts=-1),
            "ReconnectPolicy.attempts should be greater than or equal to 0, not -1",
        ),
        (
            lambda: Capabilities(sample_rates=()),
            "Capabilities.sample_rates should have at least 1 item after validation, not 0",
        ),
        (
            lambda: Refuse(status=1),
            "Refuse.status should be greater than or equal to 300, not 1",
        ),
        (
            lambda: Faults(faults=[{"kind": "refuse", "status": 1}]),
            "Faults.faults[0].status should be greater than or equal to 300, not 1",
        ),
        (lambda: Word(text="x", start=0), "Word.end is missing"),
        (lambda: Word(text=b"\xff", start=0, end=1), "Word.text should be a valid string"),
        (
            lambda: Segment(text="x", start=0, end=1, pronunciation="a secret"),
            (
                "Segment.pronunciation should be a valid dictionary or instance of Pronunciation, "
                "not of type str"
            ),
        ),
        (
            lambda: Transcript.model_validate_json("{"),
            "Transcript: invalid JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            lambda: Transcript.model_validate(
                {"backend": "x", "segments": [{"start": 0, "end": 1, "text": "a", "txt": "secret"}]}
            ),
            "Transcript.segments[0] has no field 'txt'; did you mean 'text'?",
        ),
        (
            lambda: Transcript.model_validate_json(
                '{{"backend": "x", "segments": [{}]}}'.format(", ".join(['{"start": "x"}'] * 9))
            ),
            (
                "Transcript.segments[0].start should be a valid number, not 'x'; "
                "Transcript.segments[0].end is missing; Transcript.segments[0].text is missing; "
                "and 24 more"
            ),
        ),
        (
            lambda: RecognitionOptions(language="en_US"),
            "option 'language': 'en_US' is not a BCP-47 tag; did you mean 'en-US'?",
        ),
    ],
)
def test_a_wrong_value_is_a_configuration_error(make, message):
    """Every model names the field, the value and what is possible, in one kind of error."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert str(caught.value) == message


def test_pydantic_collects_the_errors_of_nested_models():
    """In a user's own model, as a web framework validates it, all errors come together."""

    class Body(BaseModel):
        audio: AudioFormat
        options: RecognitionOptions
        segments: list[Segment]

    wrong = {
        "audio": {"sample_rate": 1, "rate": 2},
        "options": {"language": "en_US"},
        "segments": [{"text": "x", "start": 2, "end": 1}],
    }
    with pytest.raises(ValidationError) as caught:
        Body.model_validate(wrong)
    assert [error["loc"] for error in caught.value.errors()] == [
        ("audio", "sample_rate"),
        ("audio", "rate"),
        ("options", "language"),
        ("segments", 0),
    ]
    with pytest.raises(ValidationError):
        TypeAdapter(list[Word]).validate_json("[{}]")
    right = Body(audio=AudioFormat(), options=RecognitionOptions(), segments=[])
    assert Body.model_validate_json(right.model_dump_json()) == right


def test_a_refusal_inside_a_validator_is_one_of_its_errors():
    """A user's validator may make a model of azstt's: its error joins the others."""

    class Body(BaseModel):
        rate: int
        name: str

        def model_post_init(self, _context: object) -> None:
            AudioFormat(sample_rate=self.rate)

    with pytest.raises(ValueError, match="sample_rate should be"):
        Body(rate=1, name="x")


def test_pydantics_own_error_is_the_context():
    """A program that needs the details of every wrong value finds them."""
    with pytest.raises(ConfigurationError) as caught:
        AudioFormat(sample_rate=1, channels=0)
    details = caught.value.__context__
    assert isinstance(details, ValidationError)
    assert details.error_count() == 2


def test_copies_are_models_too():
    """A model survives pickling and copying, and shows its fields in its signature."""
    audio = AudioFormat(sample_rate=8_000)
    assert pickle.loads(pickle.dumps(audio)) == copy.deepcopy(audio) == audio  # noqa: S301 - ours
    assert [*inspect.signature(AudioFormat).parameters] == [*AudioFormat.model_fields]
