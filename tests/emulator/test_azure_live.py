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
#: Disables the SDK's own reconnections.
NO_SDK_RETRIES = {"SPEECH-Error-MaxRetryCount": "0"}


def words(session) -> str:
    """Return the recognized text."""
    return " ".join(event.segment.text for event in session.of(azstt.Final))


def check_times(session) -> None:
    """Check that each number is where it was spoken."""
    spoken = [word for event in session.of(azstt.Final) for word in event.segment.words]
    for number, word in enumerate(spoken):
        assert word.start == pytest.approx(number * 0.3 + number // 4 * 0.4)


# Commits


def check_commits(session, *places: float) -> None:
    """Check that each commit was answered once, after the finals before it and before the rest."""
    assert [event.at for event in session.of(azstt.Committed)] == pytest.approx(places)
    reached = 0.0
    for event in session.events:
        if isinstance(event, azstt.Committed):
            reached = event.at
        elif isinstance(event, azstt.Final):
            assert event.segment.start >= reached - 0.01


def test_a_commit_finalizes_open_speech(azure, number_engine, numbers, said, run):
    """A commit gives open speech its final without more audio, and the rest follows."""
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
    check_commits(session, 0.6)
    assert [request.closed for request in emulator.requests] == ["client 1000"] * 2


def test_many_commits_lose_and_duplicate_nothing(azure, number_engine, numbers, said, run):
    """Commits work between any words, in a row, and while the previous one is in progress."""
    rng = random.Random(7)  # noqa: S311 - a seed makes it repeatable
    pcm = numbers(40)
    edges = [PHRASE * (n // 4) + WORD * (n % 4) for n in range(1, 40)]
    marks = sorted(rng.sample(edges, 8))
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
    places = [at / 32_000 for at in (*marks, len(pcm)) for _ in range(2)]
    check_commits(session, 0.0, *places)
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
def test_a_commit_survives_an_outage(azure, number_engine, numbers, said, run, faults):
    """Whether the old or the new connection is lost, every word is recognized."""
    pcm = numbers(20)
    limits = AzureLimits(connect=5, first_response=1, idle=0.4, stop=2, pace=200)
    with emulators.serve(engine=number_engine, faults=Faults.of(*faults)) as emulator:
        backend = azure(emulator, limits=limits)
        session = run(backend, pcm[: 2 * WORD], wait=False, properties=NO_SDK_RETRIES)
        session.commit()
        session.write(pcm[2 * WORD :])
        session.finish()
    assert words(session) == said(20)
    check_times(session)
    assert words(session).startswith("1 2 ")
    assert session.of(azstt.Final)[0].segment.text == "1 2"
    check_commits(session, 0.6)


def test_a_commit_needs_an_open_session(azure):
    """Too early and too late are errors, as for a write; a closed session does nothing."""
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


def test_an_update_applies_to_the_audio_that_follows(azure, number_engine, numbers, said, run):
    """Phrases and language change at a point in the audio; the words around it stay whole."""
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


def test_the_last_update_wins(azure, number_engine, numbers, said, run):
    """Several updates in a row are one, also before any audio; a repeated one does nothing."""
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), b"", wait=False)
        for language in ("de-DE", "fr-FR", "fr-FR"):
            session.update(language=language)
        session.write(numbers(8))
        session.finish()
    assert [request.query["language"] for request in emulator.requests] == ["en-US", "fr-FR"]
    assert words(session) == said(8)


def test_an_invalid_update_changes_nothing(azure, number_engine, numbers, said, run):
    """Incompatible options are rejected at once, and the session goes on."""
    with emulators.serve(engine=number_engine) as emulator:
        session = run(azure(emulator), b"", wait=False)
        with pytest.raises(azstt.ConfigurationError, match="'phrase_weight' requires 'phrases'"):
            session.update(phrase_weight=2.0)
        session.write(numbers(8))
        session.finish()
    assert words(session) == said(8)
    assert len(emulator.requests) == 1


# Reconnections


def test_the_sdks_own_reconnections_are_reported(azure, number_engine, numbers, run):
    """A reconnection by the SDK is an event too; a final resets the count."""
    faults = Faults.of(Drop(at=3.0), Drop(at=5.0, connection=1))
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        session = run(azure(emulator), numbers(20))
    events = session.of(azstt.Reconnecting)
    assert [(event.attempt, event.delay) for event in events] == [(1, 0.25), (1, 0.25)]
    assert events[0].reason == f"the connection to host {emulator.host!r} was lost"


def test_attempts_before_the_session_starts_are_reported(azure, number_engine, numbers, said, run):
    """`Reconnecting` events may come before `Started`, so one can see why it takes so long."""
    faults = Faults.of(*(Refuse(status=503, connection=n) for n in range(2)))
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        session = run(azure(emulator), numbers(8), properties=NO_SDK_RETRIES)
    kinds = [event.kind for event in session.events]
    assert kinds[:4] == ["reconnecting", "reconnecting", "started", "speech_started"]
    assert words(session) == said(8)


@pytest.fixture
def run_hook(azure, number_engine, numbers):
    """Return a function that runs a session with a hook and a lost connection: its events."""

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


def test_a_hook_may_veto(run_hook):
    """After a veto the session ends with the error that ended the connection."""
    events = run_hook(lambda _: False)
    assert events[-1].error.code == "1002"
    assert not any(isinstance(event, azstt.Reconnecting) for event in events)


def test_a_hook_may_set_the_delay(run_hook):
    """The hook gets the planned attempt; the event has the delay that the hook chose."""
    plans = []

    def hook(event) -> float:
        plans.append(event)
        return 0.01

    slow = ReconnectPolicy(first_delay=60, longest_delay=60, total=600)
    events = run_hook(hook, reconnect=slow)
    (reported,) = (event for event in events if isinstance(event, azstt.Reconnecting))
    (plan,) = plans
    assert plan.delay > 40
    assert reported == plan.model_copy(update={"delay": 0.01})
    assert events[-1] == azstt.Ended(position=3.2)


def test_a_hook_may_accept_the_delay(run_hook):
    """None keeps the planned delay."""
    events = run_hook(lambda _: None)
    assert sum(isinstance(event, azstt.Reconnecting) for event in events) == 1
    assert events[-1] == azstt.Ended(position=3.2)


def test_a_hook_that_raises_ends_the_session(run_hook):
    """The error has the hook's exception as its cause, but not its message."""

    def hook(_) -> None:
        raise LookupError("on purpose")

    error = run_hook(hook)[-1].error
    assert "on_reconnect failed: LookupError" in str(error)
    assert isinstance(error.__cause__, LookupError)
    assert not error.retryable


def test_a_hook_may_close_the_session(azure):
    """A hook may close the session, and no event follows."""
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
    """A credential whose tokens claim to last for an hour."""

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
    """A token that worked and is rejected now is replaced, each time."""
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


@pytest.mark.parametrize("kind", ["static", "rejected too"])
def test_a_token_is_replaced_once(run, number_engine, numbers, kind):
    """If there is no other token, or it is rejected too, the session ends with an error."""
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
def test_a_session_survives_a_long_silence(azure, run, minutes):
    """Speech after a long silence has its time, and memory use stays bounded."""
    limits = AzureLimits(connect=5, first_response=2, idle=3, stop=2, pace=10_000)
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


def test_a_service_that_sends_nothing_during_silence_is_not_a_timeout(azure, run):
    """With diarization, for example: azstt ends the stretch there, with no outage and no gap."""
    limits = AzureLimits(connect=5, first_response=1, idle=0.3, stop=2, pace=10_000)
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


def test_a_service_that_went_silent_is_a_timeout(azure, number_engine, numbers, said, run):
    """If there is no response to the end of the stretch either, all audio is sent again."""
    limits = AzureLimits(connect=5, first_response=0.8, idle=0.5, stop=2, pace=10_000)
    pcm = numbers(60)
    with emulators.serve(engine=number_engine, faults=Faults.of(Mute(at=3.0))) as emulator:
        session = run(azure(emulator, limits=limits), pcm[: 2 * PHRASE], wait=False)
        session.until(azstt.Final, count=2)
        session.write(pcm[2 * PHRASE :])
        session.until(azstt.Reconnecting)
        session.finish()
    (event,) = session.of(azstt.Reconnecting)
    assert "no response within 0.8 s (first_response)" in event.reason
    assert words(session) == said(60)
    check_times(session)


def test_outages_far_apart_do_not_add_up(azure, run):
    """In a silence, a service that responded in between has recovered."""
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


def test_a_source_may_pause_for_longer_than_the_limits(azure, number_engine, numbers, said, run):
    """A pause before the first audio or in the middle of speech does not time out."""
    limits = AzureLimits(connect=5, first_response=0.6, idle=0.6, stop=2, pace=200)
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
