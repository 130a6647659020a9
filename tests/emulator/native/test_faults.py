"""How the unmodified native SDK reacts to each fault."""

from __future__ import annotations

import time

import azure.cognitiveservices.speech as sdk
import pytest

from azstt.emulator import Faults, Script, marked_wav
from azstt.emulator.faults import (
    BadStatus,
    Close,
    Delay,
    Drop,
    Duplicate,
    EndTurn,
    Expire,
    Malformed,
    Mute,
    NoAcks,
    NoTurnEnd,
    Refuse,
    Reorder,
    Stall,
)

SECOND = bytes(32_000)
SCRIPT = Script.saying(*(f"w{i}a w{i}b w{i}c w{i}d" for i in range(8)), seconds_a_word=0.25)
TEXTS = [segment.text for segment in SCRIPT.segments]
#: Eight seconds of marked audio.
AUDIO = marked_wav(8.0)[44:]

INTERRUPTIONS = [
    *(Close(at=3.3, code=code) for code in (1000, 1001, 1011, 3000, 4401)),
    Drop(at=3.3),
    Drop(at=3.3, how="fin"),
    EndTurn(at=3.3),
]


def name_of(fault) -> str:
    """Return a fault's name, for a test's id."""
    return "-".join([fault.kind, str(getattr(fault, "code", getattr(fault, "how", "")))])


@pytest.mark.parametrize("fault", INTERRUPTIONS, ids=name_of)
def test_a_session_resumes_exactly(emulate, client, way, fault):
    """After an interruption the SDK resumes where it was: no word is repeated, lost or moved."""
    emulator = emulate(script=SCRIPT, faults=Faults.of(fault))
    heard = client(way(emulator)).run(AUDIO)
    assert heard.texts == TEXTS
    assert [result.offset for result in heard.results] == [i * 10_000_000 for i in range(8)]
    assert heard.error is None
    turns = [turn for record in emulator.requests for turn in record.turns]
    first, second = turns
    assert (first.position, first.request.base) == (0.0, 0.0)
    # where the last phrase ends that the SDK had read when the connection broke
    assert second.position == second.request.base
    assert second.position in {0.0, 1.0, 2.0, 3.0}


def test_many_drops(emulate, client, way):
    """A session survives any number of drops as long as each connection makes progress."""
    faults = Faults.of(*(Drop(at=i + 0.6, connection=i) for i in range(1, 7)), Drop(at=0.6))
    emulator = emulate(script=SCRIPT, faults=faults)
    heard = client(way(emulator)).run(AUDIO)
    assert heard.texts == TEXTS
    ids = {record.headers["x-connectionid"] for record in emulator.requests}
    assert (len(emulator.requests), len(ids)) == (8, 1)


def test_drops_without_progress(emulate, client, pointed):
    """If connections fail at the same place, the session ends after a few of them."""
    emulator = emulate(script=SCRIPT, faults=Faults.of(Drop(at=3.3, connection=None)))
    heard = client(pointed(emulator)).run(AUDIO)
    assert heard.texts == TEXTS[:3]
    assert heard.error == "ConnectionFailure"
    assert len(emulator.requests) in {5, 6}


def test_a_drop_in_silence(emulate, client, way):
    """After a drop, acknowledged silence is not sent again."""
    script = Script.saying("At last.", start=6.0)
    emulator = emulate(script=script, faults=Faults.of(Drop(at=5.0)))
    heard = client(way(emulator)).run(AUDIO)
    assert [(r.text, r.offset) for r in heard.results] == [("At last.", 60_000_000)]
    assert 2.0 <= emulator.requests[1].turns[0].position <= 5.0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1002, "ConnectionFailure"),
        (1007, "BadRequest"),
        (4000, "ConnectionFailure"),
        (4429, "TooManyRequests"),
    ],
)
def test_fatal_close_codes(emulate, client, pointed, code, error):
    """Some close codes end the session at once, and the error contains their reason."""
    fault = Close(at=3.3, code=code, reason="Quota exceeded")
    emulator = emulate(script=SCRIPT, faults=Faults.of(fault))
    heard = client(pointed(emulator)).run(AUDIO)
    assert (heard.texts, heard.error) == (TEXTS[:3], error)
    assert "Quota exceeded" in heard.cancellations[0].error_details
    assert emulator.requests[0].closed == f"server {code}"


@pytest.mark.parametrize(
    ("status", "error", "attempts"),
    [
        (400, "BadRequest", 1),
        (401, "AuthenticationFailure", 1),
        (403, "AuthenticationFailure", 1),
        (404, "ServiceError", 5),
        (408, "ServiceTimeout", 5),
        (429, "TooManyRequests", 5),
        (500, "ServiceError", 5),
        (502, "ServiceError", 5),
        (503, "ServiceUnavailable", 5),
        (504, "ConnectionFailure", 5),
    ],
)
def test_refused_upgrades(emulate, client, pointed, status, error, attempts):
    """The status of a refused upgrade decides the error and whether it is retried."""
    refusal = Refuse(connection=None, status=status, retry_after=7, body="by the test")
    emulator = emulate(faults=Faults.of(refusal))
    heard = client(pointed(emulator)).run(AUDIO)
    assert heard.error == error
    assert [record.status for record in emulator.requests] == [status] * attempts


def test_a_transient_refusal(emulate, client, pointed):
    """A transient refusal costs no word."""
    faults = Faults.of(Refuse(status=503), Refuse(status=429, connection=1))
    heard = client(pointed(emulate(script=SCRIPT, faults=faults))).run(AUDIO)
    assert (heard.texts, heard.error) == (TEXTS, None)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_redirects(emulate, client, way, status):
    """A redirect is followed."""
    target = emulate(script=SCRIPT)
    location = target.host + "/stt/speech/universal/v2"
    emulator = emulate(faults=Faults.of(Refuse(status=status, location=location)))
    assert client(way(emulator)).run(AUDIO).texts == TEXTS


def test_a_slow_upgrade(emulate, client, pointed):
    """An upgrade that is answered late loses no word."""
    emulator = emulate(script=SCRIPT, faults=Faults.of(Stall(seconds=1.0)))
    assert client(pointed(emulator)).run(AUDIO).texts == TEXTS


@pytest.mark.parametrize(
    "fault",
    [Stall(), Stall(when="after_upgrade"), Mute(at=3.3), NoTurnEnd()],
    ids=["no-upgrade", "no-turn", "mute", "no-turn-end"],
)
def test_silence_of_the_service(emulate, client, pointed, fault):
    """The SDK waits forever for a silent service, so its user needs a timeout."""
    heard = client(pointed(emulate(script=SCRIPT, faults=Faults.of(fault))))
    heard.begin(AUDIO)
    with pytest.raises(AssertionError, match="had not ended"):
        heard.end(0.7)


@pytest.mark.parametrize("fault", [Malformed(phrase=3), BadStatus(phrase=3)], ids=name_of)
def test_broken_phrases(emulate, client, pointed, fault):
    """After an invalid phrase the SDK gets it again on a new connection."""
    emulator = emulate(script=SCRIPT, faults=Faults.of(fault))
    heard = client(pointed(emulator)).run(AUDIO)
    assert (heard.texts, heard.error) == (TEXTS, None)
    assert len(emulator.requests) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("Error", "ServiceError"),
        ("TooManyRequests", "TooManyRequests"),
        ("BadRequest", "BadRequest"),
        ("Forbidden", "Forbidden"),
        ("EndSilenceTimeout", "ServiceError"),
    ],
)
def test_a_status_that_stays_bad(emulate, client, pointed, status, error):
    """A phrase with an error status on every connection ends the session with that error."""
    fault = BadStatus(connection=None, status=status)
    heard = client(pointed(emulate(script=SCRIPT, faults=Faults.of(fault)))).run(AUDIO)
    assert (heard.texts, heard.error) == ([], error)


def test_duplicated_and_reordered_phrases(emulate, client, pointed):
    """The SDK passes duplicate and reordered phrases on as they are."""
    faults = Faults.of(Duplicate(phrase=1), Reorder(phrase=4))
    heard = client(pointed(emulate(script=SCRIPT, faults=faults))).run(AUDIO)
    assert heard.texts[:3] == [TEXTS[0], TEXTS[1], TEXTS[1]]
    assert sorted(set(heard.texts)) == TEXTS


def test_delayed_messages(emulate, client, pointed):
    """Delayed messages lose no word."""
    heard = client(pointed(emulate(script=SCRIPT, faults=Faults.of(Delay(seconds=0.02)))))
    assert heard.run(AUDIO).texts == TEXTS


def test_unacknowledged_silence_overflows(emulate, client, pointed):
    """Without acknowledgments the client's buffer of 66 s overflows, and the session ends."""
    config = pointed(emulate(faults=Faults.of(NoAcks(connection=None))))
    config.set_property_by_name("SPEECH-TransmitLengthBeforThrottleMs", "1000000")
    assert client(config).run(200 * SECOND).error == "ServiceTimeout"


def test_a_token_that_expires(emulate, client, pointed):
    """An expired token is refused when the SDK reconnects with it."""
    emulator = emulate(script=SCRIPT, token="one", faults=Faults.of(Expire(at=3.3)))  # noqa: S106
    config = pointed(emulator)
    config.authorization_token = "one"  # noqa: S105
    heard = client(config).run(AUDIO)
    assert (heard.texts, heard.error) == (TEXTS[:3], "AuthenticationFailure")


def test_a_token_that_is_renewed(emulate, client, pointed):
    """A token that is renewed in time lets the SDK reconnect."""
    expiry = Faults.of(Expire(at=3.3))
    emulator = emulate(script=SCRIPT, key="k", token="two", faults=expiry)  # noqa: S106
    config = pointed(emulator)
    config.set_property(sdk.PropertyId.SpeechServiceConnection_Key, "k")
    one = client(config)
    one.begin(AUDIO[:64_000])
    one.recognizer.authorization_token = "two"  # noqa: S105
    one.stream.write(AUDIO[64_000:])
    one.end()
    assert (one.texts, one.error) == (TEXTS, None)


@pytest.mark.parametrize("given", ["key", "token", "none"])
def test_credentials(emulate, client, pointed, given):
    """The emulator requires a key or a token only if it was given one."""
    secret = {} if given == "none" else {given: "right"}
    emulator = emulate(script=SCRIPT, **secret)
    for value, error in ("right", None), ("wrong", "AuthenticationFailure"):
        config = pointed(emulator)
        if given == "token":
            config.authorization_token = value
        else:
            config.set_property(sdk.PropertyId.SpeechServiceConnection_Key, value)
        assert client(config).run(AUDIO).error == (None if given == "none" else error)


def test_quota(emulate, client, pointed):
    """A session beyond the quota is refused."""
    emulator = emulate(script=SCRIPT, quota=1)
    first = client(pointed(emulator))
    first.begin(AUDIO)
    deadline = time.monotonic() + 60
    while not emulator.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client(pointed(emulator)).run(AUDIO).error == "TooManyRequests"
    first.end()
    assert first.texts == TEXTS
    assert {record.status for record in emulator.requests[1:]} == {429}


def test_speed(emulate, client, pointed):
    """Audio is accepted no faster than at the set speed."""
    emulator = emulate(script=SCRIPT, speed=8.0)
    began = time.monotonic()
    assert client(pointed(emulator)).run(AUDIO).texts == TEXTS
    assert time.monotonic() - began >= 1.0
