from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from azstt._errors import ConfigurationError
from azstt._result import AudioLedger, Gap, Segment, Usage, Word
from azstt._transcript import Transcript

WORDS = (
    Word(text="Hello", start=0.0, end=0.4, confidence=0.9),
    Word(text="there.", start=0.5, end=1.0, estimated=True),
)
TALK = Transcript(
    segments=(
        Segment(text="Hello there.", start=0.0, end=1.0, words=WORDS, speaker="Ann"),
        Segment(text="Bye.", start=2.0, end=3.0, language="en-GB"),
    ),
    backend="scripted",
)

seconds = st.floats(0, 1e6)
unit = st.none() | st.floats(0, 1)
label = st.none() | st.text(max_size=8)
span = (
    st.tuples(seconds, seconds)
    .map(sorted)
    .map(lambda ends: dict(zip(("start", "end"), ends, strict=True)))
)
words = st.builds(
    lambda ends, **fields: Word(**ends, **fields),
    span,
    text=st.text(max_size=8),
    confidence=unit,
    estimated=st.booleans(),
    text_offset=st.none() | st.integers(0, 20),
)
segments = st.builds(
    lambda ends, **fields: Segment(**ends, **fields),
    span,
    text=st.text(),
    words=st.lists(words, max_size=3).map(tuple),
    confidence=unit,
    speaker=label,
    language=label,
)
gaps = st.builds(Gap, at=seconds, seconds=seconds, reason=st.text(max_size=8))
ledgers = st.builds(
    AudioLedger,
    decoded=seconds,
    sent=seconds,
    recognized=seconds,
    silent=seconds,
    gaps=st.lists(gaps, max_size=2).map(tuple),
)
transcripts = st.builds(
    Transcript,
    segments=st.lists(segments, max_size=3).map(tuple),
    duration=seconds,
    language=label,
    backend=st.text(max_size=8),
    model=label,
    ledger=ledgers,
    usage=st.builds(
        Usage,
        audio_seconds=seconds,
        wall_seconds=seconds,
        first_result_latency=st.none() | seconds,
    ),
)


def test_text_and_words():
    """The text is that of the segments joined with spaces; the words are all of theirs."""
    assert TALK.text == str(TALK) == "Hello there. Bye."
    assert TALK.words == WORDS


def test_repr_shows_no_text():
    """A transcript that ends up in a log by its repr discloses no text."""
    assert "Hello" not in repr(TALK)
    assert "Hello" not in repr(TALK.segments)


def test_is_frozen_and_refuses_unknown_fields():
    """A transcript can't be changed, and an unknown field is an error."""
    with pytest.raises(ValidationError, match="frozen"):
        TALK.duration = 1.0
    with pytest.raises(ConfigurationError, match="Transcript has no field 'confidence'"):
        Transcript(backend="scripted", confidence=1.0)


@given(transcripts)
def test_json_round_trip(transcript):
    """A transcript that was saved as JSON reads back equal."""
    assert Transcript.model_validate_json(transcript.model_dump_json()) == transcript


@pytest.mark.parametrize(
    ("gaps", "complete"),
    [([0.02] * 8, False), ([0.05, 0.05], True), ([None], False)],
    ids=["many", "short", "unknown"],
)
def test_complete_is_judged_by_the_channel(gaps, complete):
    """A transcript is complete if no channel lacks more than 0.1 s; channels do not add up."""

    def lacking(*channels: int | None) -> Transcript:
        missing = [
            Gap(at=at, seconds=seconds, reason="damaged", span=0.0, channel=channel)
            for at, seconds in enumerate(gaps)
            for channel in channels
        ]
        return Transcript(backend="scripted", ledger=AudioLedger(gaps=tuple(missing)))

    assert lacking(None).complete is complete
    assert lacking(*range(8)).complete is complete


@given(transcripts)
def test_any_transcript_exports(transcript):
    """Every transcript can be exported in every format."""
    assert transcript.to_vtt().startswith("WEBVTT\n")
    assert transcript.to_csv().startswith("start,end,")
    assert transcript.to_srt().count(" --> ") == transcript.to_vtt().count(" --> ")
    assert transcript.to_txt().count("\n") <= len(transcript.segments)


def test_exports():
    """Each export is the contents of a whole file."""
    assert TALK.to_txt() == "Ann: Hello there.\nBye.\n"
    assert TALK.to_srt().startswith("1\n00:00:00,000 --> 00:00:01,000\nAnn: Hello there.\n\n2\n")
    assert "<v Ann>Hello there.</v>" in TALK.to_vtt()
    assert TALK.to_csv().splitlines()[1] == "0.000,1.000,Ann,,,Hello there.,"


@pytest.mark.parametrize("export", [TALK.to_srt, TALK.to_vtt])
def test_caption_limits_can_be_set(export):
    """The limits of lines and captions can be set, and impossible ones are refused."""
    assert "Hello\nthere." in export(max_chars=7)
    assert "Hello\nthere." not in export(max_chars=7, max_lines=1)
    assert export(max_seconds=0.6).count(" --> ") == 3
    with pytest.raises(ConfigurationError, match=r"max_lines should be .* equal to 1, not 0"):
        export(max_lines=0)


def test_only_much_text_of_low_confidence_is_doubted():
    """A doubt needs ten words and a model whose confidence was measured."""

    def doubt(confidence, words=10, model="moonshine-tiny-en"):
        word = Word(text="x", start=0, end=1, confidence=confidence)
        segment = Segment(text="x", start=0, end=1, words=(word,) * words)
        return Transcript(backend="", model=model, language="en-US", segments=(segment,)).doubt

    assert "mean confidence is 0.27: the recognizer knows only en-US" in (doubt(0.27) or "")
    assert doubt(0.55) is None
    assert doubt(0.27, words=9) is None
    assert doubt(0.27, model="other") is None
    assert doubt(None) is None
