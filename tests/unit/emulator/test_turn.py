from __future__ import annotations

import pytest

from azstt import Partial, SpeechEnded, SpeechStarted
from azstt.emulator import Utterance
from azstt.emulator._service.message_faults import MessageFaults
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.turn import ACK_PATH, Outgoing, Turn
from azstt.emulator.engines import Phrase, Processed
from azstt.emulator.faults import BadStatus, Duplicate, Malformed, NoAcks, NoTurnEnd, Reorder, Stall

HELLO = Phrase(utterance=Utterance(text="Hello.", start=0.5, end=1.0))


def summary(messages):
    """Return the path and the status of each message."""
    return [(m.path, (m.body or {}).get("RecognitionStatus")) for m in messages]


def test_a_continuous_turn():
    """A turn starts, reports the results, reaches the end of the audio and ends."""
    turn = Turn(TurnRequest(), "tag")
    assert [m.body for m in turn.begin()] == [{"context": {"serviceTag": "tag"}}]
    messages = [
        *turn.handle(SpeechStarted(at=0.5)),
        *turn.handle(Partial(start=0.5, end=0.8, text="Hel")),
        *turn.handle(HELLO),
        *turn.handle(SpeechEnded(at=1.0)),
        *turn.finish(2.0),
    ]
    assert summary(messages) == [
        ("speech.startDetected", None),
        ("speech.hypothesis", None),
        ("speech.phrase", "Success"),
        ("speech.endDetected", None),
        ("speech.phrase", "EndOfDictation"),
        ("turn.end", None),
    ]
    assert messages[2].body["Offset"] == 5_000_000
    assert messages[4].body["Offset"] == 20_000_000
    assert turn.over
    assert [*turn.handle(HELLO), *turn.finish(3.0), *turn.advance(9), *turn.end_early()] == []


def test_the_last_millisecond_is_acknowledged_whole():
    """Clients truncate acknowledged times to milliseconds, so the end is rounded up."""
    turn = Turn(TurnRequest(), "tag")
    assert [m.body.get("Offset") for m in turn.finish(1.86975)][1] == 18_700_000
    assert [m.body.get("Offset") for m in Turn(TurnRequest(), "").finish(1.1)][1] == 11_000_000


def test_a_single_shot_ends_with_its_phrase():
    """An interactive turn is over after a phrase."""
    turn = Turn(TurnRequest(mode="interactive"), "tag")
    assert summary(turn.handle(HELLO)) == [
        ("speech.phrase", "Success"),
        ("speech.endDetected", None),
        ("turn.end", None),
    ]
    assert turn.over


@pytest.mark.parametrize(
    ("events", "status"),
    [([Processed(until=2.0)], "InitialSilenceTimeout"), ([SpeechStarted(at=1.0)], "NoMatch")],
)
def test_a_single_shot_always_answers(events, status):
    """An interactive turn without a phrase says why, even if silence was acknowledged."""
    turn = Turn(TurnRequest(mode="interactive"), "tag")
    for event in events:
        list(turn.handle(event))
    assert summary(turn.finish(3.0))[0] == ("speech.phrase", status)


def test_initial_silence_is_reported_once():
    """Silence at the start is reported when it reaches the limit, and only once."""
    turn = Turn(TurnRequest(initial_silence=2.0), "tag")
    assert summary(turn.advance(1.0)) == []
    assert summary(turn.advance(2.5)) == [("speech.phrase", "InitialSilenceTimeout")]
    assert summary(turn.advance(5.0)) == []
    single = Turn(TurnRequest(initial_silence=2.0, mode="interactive"), "tag")
    assert summary(single.advance(2.5))[-1] == ("turn.end", None)


def test_initial_silence_of_audio_that_comes_at_once():
    """If all audio comes at once, silence at the start is reported before the speech."""
    turn = Turn(TurnRequest(initial_silence=2.0), "tag")
    speech = SpeechStarted(at=4.0)
    assert [name for name, _ in summary(turn.handle(speech))] == [
        "speech.phrase",
        "speech.startDetected",
    ]
    single = Turn(TurnRequest(initial_silence=2.0, mode="interactive"), "tag")
    assert [name for name, _ in summary(single.handle(speech))][-1] == "turn.end"
    assert single.over


def test_silence_is_acknowledged_by_a_header():
    """An acknowledgment is a header on a message with an unknown path, so it raises no event."""
    turn = Turn(TurnRequest(), "tag")
    (message,) = turn.handle(Processed(until=2.5))
    assert (message.path, message.text) == (ACK_PATH, "")
    assert message.headers == {"X_Continuation_Audio_Streams_1_Offset": "25000000"}
    assert list(turn.handle(Processed(until=2.5))) == []


def test_silence_of_one_channel_is_not_enough():
    """Audio is acknowledged when no channel needs it anymore."""
    turn = Turn(TurnRequest(separate_channels=True), "tag", channels=2)
    assert list(turn.handle(Processed(until=4.0), 0)) == []
    (message,) = turn.handle(Processed(until=2.0), 1)
    assert message.headers == {"X_Continuation_Audio_Streams_1_Offset": "20000000"}


def test_translations_have_their_own_paths():
    """The results of a translating turn have paths of their own."""
    turn = Turn(TurnRequest(targets=("de",)), "tag")
    (partial,) = turn.handle(Partial(start=0, end=1, text="Hello"))
    (phrase,) = turn.handle(HELLO)
    assert (partial.path, phrase.path) == ("translation.hypothesis", "translation.phrase")
    assert phrase.body["Text"] == "Hello."
    assert partial.body["Translation"]["Translations"] == [{"Language": "de", "Text": "[de] hello"}]


@pytest.mark.parametrize(
    ("candidates", "at_start", "spoken", "identified"),
    [
        (("en-US", "de-DE"), True, ["de-de", "en-US"], ["de-DE", "de-DE"]),
        (("en-US", "de-DE"), False, ["de-de", "en-US"], ["de-DE", "en-US"]),
        (("en-US", "de-DE"), False, ["fr-FR", None], ["en-US", "en-US"]),
        (("UND",), False, ["fr-FR", None], ["fr-FR", "en-US"]),
    ],
)
def test_languages_are_identified(candidates, at_start, spoken, identified):
    """The language is one of the candidates, or any with an open range; once or for each phrase."""
    turn = Turn(TurnRequest(candidates=candidates, at_start=at_start), "tag")
    bodies = [
        message.body
        for language in spoken
        for message in turn.handle(
            Phrase(utterance=Utterance(text="x", start=0, end=1, language=language))
        )
    ]
    assert [body["PrimaryLanguage"]["Language"] for body in bodies] == identified


def test_no_words_is_no_match():
    """An utterance without text, or with another status, is not a success."""
    turn = Turn(TurnRequest(), "tag")
    empty = Phrase(utterance=Utterance(text="", start=0, end=1))
    babble = Phrase(utterance=Utterance(text="", start=1, end=2, status="BabbleTimeout"))
    assert summary([*turn.handle(empty), *turn.handle(babble)]) == [
        ("speech.phrase", "NoMatch"),
        ("speech.phrase", "BabbleTimeout"),
    ]


@pytest.mark.parametrize(
    ("request_", "speakers"),
    [
        (TurnRequest(diarize=True), ["Unknown", "Guest-7"]),
        (TurnRequest(diarize=True, diarize_partials=True), ["Guest-7", "Guest-7"]),
        (TurnRequest(), [None, None]),
    ],
)
def test_speakers(request_, speakers):
    """Speakers are named in phrases, and in partials only if the client asks for it."""
    turn = Turn(request_, "tag")
    partial = Partial(start=0, end=1, text="a", speaker="Guest-7")
    phrase = Phrase(utterance=Utterance(text="a", start=0, end=1, speaker="Guest-7"))
    bodies = [message.body for item in (partial, phrase) for message in turn.handle(item)]
    assert [body.get("SpeakerId") for body in bodies] == speakers


PHRASES = [Outgoing("speech.phrase", {"RecognitionStatus": "Success", "N": n}) for n in range(3)]


def affected(*faults):
    """Apply faults to three phrases, a hypothesis and the end of the turn."""
    message_faults = MessageFaults(faults)
    messages = [*PHRASES, Outgoing("speech.hypothesis", {}), Outgoing("turn.end", {})]
    return [out for message in messages for out in message_faults.apply(message)]


def test_faults_of_phrases():
    """Phrases are broken, duplicated and reordered by their number."""
    assert affected(Malformed(phrase=1))[1].text == '{"RecognitionStatus": "Success", "N": 1'
    assert summary(affected(BadStatus(phrase=2)))[2] == ("speech.phrase", "Error")
    assert [m.body.get("N") for m in affected(Duplicate(phrase=0))][:3] == [0, 0, 1]
    assert [m.body.get("N") for m in affected(Reorder(phrase=0))][:3] == [1, 0, 2]
    assert [m.path for m in affected(Reorder(phrase=2))][2:4] == [
        "speech.hypothesis",
        "speech.phrase",
    ]


def test_messages_that_are_never_sent():
    """Some faults suppress messages."""
    assert "turn.end" not in [m.path for m in affected(NoTurnEnd())]
    assert affected(Stall(when="after_upgrade")) == []
    assert MessageFaults([NoAcks()]).apply(Outgoing(ACK_PATH)) == []
    assert len(affected(Stall())) == 5
