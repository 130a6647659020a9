from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import azstt
from azstt.emulator import Faults, Script, Utterance
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat
from azstt.emulator.engines import Phrase, Processed
from azstt.emulator.engines._script import ScriptEngine
from azstt.emulator.faults import Close, Refuse

FORMAT = StreamFormat.pcm(azstt.AudioFormat())


def test_saying():
    """A script of sentences has an utterance with times for each."""
    script = Script.saying("Hello there.", "Bye.", start=1.0, seconds_a_word=0.5, pause=2.0)
    assert [(s.text, s.start, s.end) for s in script.segments] == [
        ("Hello there.", 1.0, 2.0),
        ("Bye.", 4.0, 4.5),
    ]


def test_a_transcript_is_a_script(tmp_path):
    """A transcript's segments can be read as a script."""
    segment = azstt.Segment(text="Hello.", start=0.5, end=1.0, speaker="Guest-1")
    path = tmp_path / "script.json"
    path.write_text(f'{{"segments": [{segment.model_dump_json()}]}}')
    (utterance,) = Script.read(path).segments
    assert (utterance.text, utterance.start, utterance.speaker) == ("Hello.", 0.5, "Guest-1")
    assert utterance.channel == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "can't be read: No such file"),
        ('{"segments": [{"text": "secret"}]}', r"invalid: Script\.segments\[0\]\.start is missing"),
        ("{", "invalid: Script: invalid JSON"),
    ],
)
def test_unreadable_scripts(tmp_path, text, message):
    """The error for a missing or invalid script names the place, but does not quote the text."""
    path = tmp_path / "script.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(azstt.ConfigurationError, match=message) as caught:
        Script.read(path)
    assert "secret" not in str(caught.value)


def test_faults_are_read(tmp_path):
    """Faults are read from JSON by their kind."""
    path = tmp_path / "faults.json"
    path.write_text(
        '{"faults": [{"kind": "close", "at": 2},'
        ' {"kind": "refuse", "status": 429, "connection": null}]}'
    )
    faults = Faults.read(path)
    assert faults == Faults.of(Close(at=2), Refuse(status=429, connection=None))
    assert faults.on(0) == faults.faults
    assert faults.on(1) == faults.faults[1:]


def events_of(script, sizes, base=0.0, channel=0):
    """Return all events of the engine for audio that is written in chunks of such sizes."""
    events = []
    session = ScriptEngine(script).open(TurnRequest(base=base), FORMAT, events.append, channel)
    for size in sizes:
        session.write(bytes(size))
    session.finish()
    return events


@given(st.lists(st.integers(1, 100_000).map(lambda n: n * 2), max_size=20), st.floats(0, 9))
def test_every_word_is_said_once(sizes, base):
    """However the audio is split, and wherever a turn begins, each word comes once."""
    script = Script.saying("one two three", "four five", "six", start=0.5, pause=1.0)
    end = base + sum(sizes) / 32_000
    phrases = [h.utterance for h in events_of(script, sizes, base) if isinstance(h, Phrase)]
    said = " ".join(phrase.text for phrase in phrases).split()
    words = [word for segment in script.segments for word in segment.spoken()]
    assert said == [word.text for word in words if base <= word.start < end]


@example([1, 2])  # 0.1 + 0.2 is greater than the start at 0.3
@given(st.lists(st.integers(1, 40), max_size=12))
def test_consecutive_turns_say_every_word_once(tenths):
    """An utterance across two turns is split between them, even if a word begins at the seam."""
    script = Script.saying("one two three four", "five", "six seven", start=0.3, pause=0.7)
    said, base = [], 0.0
    for tenth in [*tenths, 100]:
        said += [
            h.utterance for h in events_of(script, [3_200 * tenth], base) if isinstance(h, Phrase)
        ]
        base += tenth / 10
    assert " ".join(phrase.text for phrase in said) == "one two three four five six seven"


def test_an_utterance_without_words_is_cut_too():
    """Speech that the service does not understand is reported up to the end of the audio."""
    noise = Utterance(text="", start=0.5, end=9.0, status="NoMatch")
    late = noise.model_copy(update={"start": 5.0})
    (phrase, ended) = events_of(Script(segments=(noise, late)), [64_000])
    assert (phrase.utterance.end, ended.at) == (2.0, 2.0)


@given(st.floats(0.0, 20.0))
def test_nothing_that_is_needed_is_acknowledged(start):
    """Silence is acknowledged, and never past the beginning of the next utterance."""
    script = Script.saying("late", start=start)
    said = events_of(script, [3_200] * 250)
    before = said[: next(i for i, h in enumerate(said) if isinstance(h, Phrase))]
    quiet = [h.until for h in before if isinstance(h, Processed)]
    assert all(until <= start for until in quiet)
    assert quiet == sorted(set(quiet))
    assert len(quiet) == int(start // 2) or start % 2 < 0.11


def test_channels_have_their_own_words():
    """A session of a channel says what is spoken on it."""
    script = Script(
        segments=(
            Utterance(text="Left.", start=0, end=1),
            Utterance(text="Right.", start=0, end=1, channel=1),
        )
    )
    texts = [
        [h.utterance.text for h in events_of(script, [64_000], channel=n) if isinstance(h, Phrase)]
        for n in (0, 1)
    ]
    assert texts == [["Left."], ["Right."]]


def test_a_closed_session_is_silent():
    """Nothing is said after close."""
    said = []
    session = ScriptEngine(Script.saying("one")).open(TurnRequest(), FORMAT, said.append, 0)
    session.close()
    session.write(bytes(64_000))
    assert said == []
