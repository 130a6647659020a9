"""What a live session needs: commits, updates, hooks, silence, and a source that pauses."""

from __future__ import annotations

import random
import time

import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends import CommittingSession, ReconnectingSession, UpdatingSession
from azstt.backends.azure import AzureBackend, AzureLimits, AzureSettings, ReconnectPolicy
from azstt.emulator import Faults, Script
from azstt.emulator.faults import Close, Drop, Expire, Mute, NoAcks, Refuse

pytestmark = pytest.mark.usefixtures("no_thread_left")

WORD = 9_600  # bytes of a word in `numbers`
PHRASE = 4 * WORD + 12_800
#: The SDK makes no connection again by itself.
AT_ONCE = {"SPEECH-Error-MaxRetryCount": "0"}


def words(session) -> str:
    """Give what was recognized."""
    return " ".join(event.segment.text for event in session.of(azstt.Final))


def check_times(session) -> None:
    """Each number is where it was spoken."""
    spoken = [word for event in session.of(azstt.Final) for word in event.segment.words]
    for number, word in enumerate(spoken):
        assert word.start == pytest.approx(number * 0.3 + number // 4 * 0.4)


# Commits


def test_a_commit_gives_what_was_said(azure, number_engine, numbers, said, run):
    """Open speech gets its final without any more audio, and the rest goes on where it was."""
    pcm = numbers(20)
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), pcm[: 2 * WORD], wait=False)
        assert isinstance(session.session, CommittingSession)
        session.commit()
        session.until(azstt.Final)
        assert words(session) == "1 2"
        session.write(pcm[2 * WORD :])
        session.finish()
    assert words(session) == said(20)
    check_times(session)
    assert not session.of(azstt.Reconnecting)
    assert len(session.of(azstt.Started)) == 1
    assert session.events[-1] == azstt.Ended(position=8.0)
    assert [request.closed for request in emulator.requests] == ["client 1000"] * 2


def test_many_commits_lose_and_double_nothing(azure, number_engine, numbers, said, run):
    """Between any two words, several in a row, also while the one before is under way."""
    dice = random.Random(7)  # noqa: S311 - a seed makes it repeatable
    pcm = numbers(40)
    edges = [PHRASE * (n // 4) + WORD * (n % 4) for n in range(1, 40)]
    marks = sorted(dice.sample(edges, 8))
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), b"", wait=False)
        session.commit()  # of nothing
        for start, end in zip([0, *marks], [*marks, len(pcm)], strict=True):
            session.write(pcm[start:end])
            session.commit()
            session.commit()
        session.finish()
    assert words(session) == said(40)
    check_times(session)
    assert not session.of(azstt.Reconnecting)
    assert session.events[-1] == azstt.Ended(position=16.0)
    assert len(emulator.requests) == len(marks) + 1


@pytest.mark.parametrize(
    "faults",
    [
        [Drop(at=0.3)],
        [Close(at=0.3, code=1002)],
        [Mute()],
        [Refuse(status=503, connection=n) for n in (1, 2)],
        [Close(at=0.0, code=1002, connection=1)],
    ],
    ids=["drop before", "close before", "mute before", "refused after", "closed after"],
)
def test_a_commit_outlives_an_outage(azure, number_engine, numbers, said, run, faults):
    """Whether the connection that ends or the one that begins is lost, every word is there."""
    pcm = numbers(20)
    limits = AzureLimits(connect=2, first_response=1, idle=0.4, stop=2, pace=200)
    with emulators.serve(engine=number_engine, faults=Faults.of(*faults)) as emulator:
        backend = azure(emulator, limits=limits)
        session = run(backend, pcm[: 2 * WORD], wait=False, properties=AT_ONCE)
        session.commit()
        session.write(pcm[2 * WORD :])
        session.finish()
    assert words(session) == said(20)
    check_times(session)
    assert words(session).startswith("1 2 ")
    assert session.of(azstt.Final)[0].segment.text == "1 2"


def test_a_session_that_is_over_takes_no_commit(azure):
    """As of a write: too early and too late are told, and a closed session does nothing."""
    with emulators.serve() as emulator:
        session = azure(emulator).open(
            azstt.RecognitionOptions(), azstt.AudioFormat(), lambda _: None
        )
        with pytest.raises(azstt.SessionStateError, match="before start"):
            session.commit()
        session.start()
        session.finish()
        with pytest.raises(azstt.SessionStateError, match="after finish"):
            session.commit()
        session.close()
        session.commit()


# Updates


def test_an_update_is_for_what_follows(azure, number_engine, numbers, said, run):
    """Phrases and language change at a point of the audio; the words around it are whole."""
    pcm = numbers(20)
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), pcm[:PHRASE], wait=False)
        assert isinstance(session.session, UpdatingSession)
        session.update(phrases=["Contoso"], language="de-DE")
        session.write(pcm[PHRASE:])
        session.finish()
    first, second = emulator.requests
    assert (first.query["language"], second.query["language"]) == ("en-US", "de-DE")
    assert "dgi" not in first.context
    assert second.context["dgi"]["Groups"][0]["Items"] == [{"Text": "Contoso"}]
    assert second.turns[0].audio_seconds == pytest.approx(8.0 - 1.6)
    assert words(session) == said(20)
    check_times(session)
    assert not session.of(azstt.Reconnecting)


def test_the_last_update_counts(azure, number_engine, numbers, said, run):
    """Several in a row are one, also before any audio; the same again is none."""
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), b"", wait=False)
        for language in ("de-DE", "fr-FR", "fr-FR"):
            session.update(language=language)
        session.write(numbers(8))
        session.finish()
    assert [request.query["language"] for request in emulator.requests] == ["en-US", "fr-FR"]
    assert words(session) == said(8)


def test_an_update_that_can_not_be_changes_nothing(azure, number_engine, numbers, said, run):
    """Options that do not go together are refused at once, and the session goes on."""
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), b"", wait=False)
        with pytest.raises(azstt.ConfigurationError, match="'phrase_weight' needs 'phrases'"):
            session.update(phrase_weight=2.0)
        session.write(numbers(8))
        session.finish()
    assert words(session) == said(8)
    assert len(emulator.requests) == 1


# Reconnections


def test_the_sdks_own_reconnections_are_told(azure, number_engine, numbers, run):
    """A break that the SDK mends by itself is no secret; the count begins anew with each final."""
    faults = Faults.of(Drop(at=3.0), Drop(at=5.0, connection=1))
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        session = run(azure(emulator), numbers(20))
    told = session.of(azstt.Reconnecting)
    assert [(event.attempt, event.delay) for event in told] == [(1, 0.25), (1, 0.25)]
    assert told[0].reason == f"the connection to host {emulator.host!r} was lost"


def test_attempts_before_the_session_stands_are_told(azure, number_engine, numbers, said, run):
    """Whoever waits for the start can see why: these events alone come before `Started`."""
    faults = Faults.of(*(Refuse(status=503, connection=n) for n in range(2)))
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        session = run(azure(emulator), numbers(8), properties=AT_ONCE)
    kinds = [event.kind for event in session.events]
    assert kinds[:4] == ["reconnecting", "reconnecting", "started", "speech_started"]
    assert words(session) == said(8)


@pytest.fixture
def asked(azure, number_engine, numbers):
    """Run a session whose connection is lost, and ask a hook of it; give session and emulator."""

    def lose(hook, **more):
        with emulators.serve(
            engine=number_engine, faults=Faults.of(Close(at=3.0, code=1002))
        ) as emulator:
            events = []
            session = azure(emulator, **more).open(
                azstt.RecognitionOptions(), azstt.AudioFormat(), events.append
            )
            assert isinstance(session, ReconnectingSession)
            session.on_reconnect(hook)
            session.start()
            session.write(numbers(8))
            session.finish()
            session._supervisor.join(10)
            session.close()
        return events

    return lose


def test_a_hook_may_veto(asked):
    """Without another attempt what broke the connection is what ends the session."""
    events = asked(lambda _: False)
    assert events[-1].error.code == "1002"
    assert not any(isinstance(event, azstt.Reconnecting) for event in events)


def test_a_hook_may_set_the_delay(asked):
    """It is given the plan; the event names the wait that is really made."""
    plans = []

    def hook(event) -> float:
        plans.append(event)
        return 0.01

    slow = ReconnectPolicy(first_delay=60, longest_delay=60, total=600)
    events = asked(hook, reconnect=slow)
    (told,) = (event for event in events if isinstance(event, azstt.Reconnecting))
    (plan,) = plans
    assert plan.delay > 40
    assert told == plan.model_copy(update={"delay": 0.01})
    assert events[-1] == azstt.Ended(position=3.2)


def test_a_hook_may_leave_it(asked):
    """None is as planned."""
    events = asked(lambda _: None)
    assert sum(isinstance(event, azstt.Reconnecting) for event in events) == 1
    assert events[-1] == azstt.Ended(position=3.2)


def test_a_hook_that_raises_ends_the_session(asked):
    """With its exception as the cause, and without its words."""

    def hook(_) -> None:
        raise LookupError("on purpose")

    error = asked(hook)[-1].error
    assert "on_reconnect failed: LookupError" in str(error)
    assert isinstance(error.__cause__, LookupError)
    assert not error.retryable


def test_a_hook_may_close_the_session(azure):
    """Who is asked may also have had enough; nothing follows."""
    events = []
    faults = Faults.of(Close(at=0.2, code=1002))
    with emulators.serve(faults=faults) as emulator:
        session = azure(emulator).open(
            azstt.RecognitionOptions(), azstt.AudioFormat(), events.append
        )
        session.on_reconnect(lambda _: session.close())
        session.start()
        session.write(bytes(32_000))
        session._supervisor.join(10)
        assert not session._supervisor.is_alive()
    assert [event.kind for event in events] == ["started"]


# Tokens


class Credential:
    """A credential whose tokens last for an hour, so it says."""

    def __init__(self) -> None:
        self.given = 0

    def get_token(self, *_scopes: str):
        self.given += 1
        return _AccessToken(f"entra-{self.given}")


class _AccessToken:
    def __init__(self, token: str) -> None:
        self.token = token
        self.expires_on = int(time.time() + 3600)


def test_a_token_that_expires_before_its_time_is_replaced(run, number_engine, numbers, said):
    """A token that was good and is refused now is fetched anew, each time."""
    faults = Faults.of(Expire(at=3.0), Expire(at=5.0, connection=2))
    credential = Credential()
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        backend = AzureBackend(
            AzureSettings(endpoint=emulator.endpoint),
            credential=credential,
            limits=AzureLimits(pace=100),
            reconnect=ReconnectPolicy(first_delay=0.05),
        )
        session = run(backend, numbers(20))
    assert words(session) == said(20)
    statuses = [(r.headers["authorization"][-1], r.status) for r in emulator.requests]
    assert statuses == [("1", 101), ("1", 401), ("2", 101), ("2", 401), ("3", 101)]


@pytest.mark.parametrize("kind", ["static", "refused too"])
def test_a_token_is_replaced_once(run, number_engine, numbers, kind):
    """Where a new one is no better, or there is none, the refusal is the end."""
    token = "tok" if kind == "static" else lambda: "tok"
    with emulators.serve(engine=number_engine, faults=Faults.of(Expire(at=3.0))) as emulator:
        backend = AzureBackend(
            AzureSettings(host=emulator.host),
            token=token,
            limits=AzureLimits(pace=100),
            reconnect=ReconnectPolicy(first_delay=0.05),
        )
        session = run(backend, numbers(20))
    assert isinstance(session.events[-1].error, azstt.AuthenticationError)
    assert len(emulator.requests) == (2 if kind == "static" else 3)


# Silence and pauses


@pytest.mark.campaign("minutes", whole=[20], sample=[4])
def test_a_long_silence_is_outlived(azure, run, minutes):
    """Speech after it has its time, and no more is kept than of any other audio."""
    limits = AzureLimits(connect=2, first_response=2, idle=3, stop=2, pace=10_000)
    script = Script.saying("Hello.", start=60.0 * minutes)
    with emulators.serve(script=script) as emulator:
        session = run(azure(emulator, limits=limits), b"", wait=False)
        most = 0
        for _ in range(60 * minutes + 1):
            session.session.write(bytes(32_000))
            most = max(most, len(session.session._buffer._bytes))
        session.finish()
    (final,) = session.of(azstt.Final)
    assert (final.segment.text, final.segment.start) == ("Hello.", 60.0 * minutes)
    assert session.events[-1] == azstt.Ended(position=60.0 * minutes + 1)
    assert len(emulator.requests) == 1
    assert most <= 32_000 * 135


def test_a_service_that_says_nothing_of_silence_is_not_given_up(azure, run):
    """As when it tells speakers apart: it is asked for an answer, without an outage or a gap."""
    limits = AzureLimits(connect=2, first_response=1, idle=0.3, stop=2, pace=10_000)
    with emulators.serve(faults=Faults.of(NoAcks(connection=None))) as emulator:
        session = run(azure(emulator, limits=limits), b"", wait=False, diarize=True)
        for connection in range(2):
            session.write(bytes(3_200))
            session.wait(lambda: emulator.requests[-1].turns)
            session.pause(0.1)  # the turn's start has come
            session.write(bytes(32_000 * 12))
            session.wait(lambda: len(emulator.requests) > connection + 1)  # noqa: B023 - at once
        session.finish()
    assert not session.of(azstt.Reconnecting)
    assert session.events[-1] == azstt.Ended(position=24.2)


def test_a_service_that_has_gone_silent_is_given_up(azure, number_engine, numbers, said, run):
    """One that does not answer to the end of the audio either is lost: all is sent again."""
    limits = AzureLimits(connect=2, first_response=0.8, idle=0.5, stop=2, pace=10_000)
    pcm = numbers(60)
    with emulators.serve(engine=number_engine, faults=Faults.of(Mute(at=3.0))) as emulator:
        session = run(azure(emulator, limits=limits), pcm[: 2 * PHRASE], wait=False)
        session.until(azstt.Final, count=2)
        session.write(pcm[2 * PHRASE :])
        session.until(azstt.Reconnecting)
        session.finish()
    (told,) = session.of(azstt.Reconnecting)
    assert "no answer within first_response=0.8 s" in told.reason
    assert words(session) == said(60)
    check_times(session)


def test_outages_far_apart_are_not_added_up(azure, run):
    """In a silence nothing is recognized; yet a service that was there in between has come back."""
    policy = ReconnectPolicy(attempts=1, total=0.4, first_delay=0.05, longest_delay=0.1)
    faults = [Close(at=14.9 + 15 * n, code=1002, connection=n) for n in range(3)]
    with emulators.serve(faults=Faults.of(*faults)) as emulator:
        session = run(azure(emulator, reconnect=policy), b"", wait=False)
        for count in (1, 2, 3):
            session.write(bytes(32_000 * 15))
            session.until(azstt.Reconnecting, count=count)
        session.finish()
    assert session.events[-1] == azstt.Ended(position=45.0)
    assert [event.attempt for event in session.of(azstt.Reconnecting)] == [1, 1, 1]


def test_a_source_may_pause_for_longer_than_an_answer_may_take(
    azure, number_engine, numbers, said, run
):
    """Without audio there is nothing to wait for, before the first and in the middle of speech."""
    limits = AzureLimits(connect=2, first_response=0.6, idle=0.6, stop=2, pace=200)
    pcm = numbers(12)
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator, limits=limits), b"", wait=False)
        session.pause(0.9)
        session.write(pcm[: PHRASE + WORD])
        session.pause(0.9)
        session.write(pcm[PHRASE + WORD :])
        session.finish()
    assert words(session) == said(12)
    assert not session.of(azstt.Reconnecting)
    assert len(emulator.requests) == 1
