"""The emulator without an SDK: protocol violations, REST, TLS, the fixture, the program."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

import azstt
from azstt.emulator import Faults, Script, Utterance, marked_wav, serve
from azstt.emulator._service.wire import StreamFormat, encode_binary, encode_riff, encode_text
from azstt.emulator.engines._script import ScriptEngine
from azstt.emulator.faults import Outage, Refuse

PATH = "/stt/speech/universal/v2"
ID = "0123456789abcdef0123456789ABCDEF"
HEADER = encode_riff(StreamFormat(1, 1, 16_000, 32_000, 16))
CONFIG = encode_text("speech.config", '{"context":{}}')
CONTEXT = encode_text("speech.context", "{}", X_RequestId=ID)
ROLL = Script.saying("Mary rolled the barrel.")


def audio(payload, **headers):
    """Return a frame of audio."""
    return encode_binary("audio", payload, X_RequestId=ID, **headers)


def wait(coroutine):
    """Run a coroutine, then let the sockets that it leaves behind close."""

    async def run():
        async with asyncio.timeout(60):
            result = await coroutine
        await asyncio.sleep(0.02)
        return result

    return asyncio.run(run())


def talk(emulator, *frames, until="turn.end"):
    """Send frames; return the paths of the answers, up to ``until``, and the close code."""

    async def run():
        answered = []
        async with aiohttp.ClientSession() as http, http.ws_connect(emulator.url + PATH) as ws:
            for frame in frames:
                await (ws.send_str if isinstance(frame, str) else ws.send_bytes)(frame)
            async for message in ws:
                answered.append(message.data.partition("\r\n")[0].removeprefix("Path:"))
                if answered[-1] == until:
                    break
            return answered, ws.close_code

    return wait(run())


@pytest.mark.parametrize(
    ("frames", "code", "violation"),
    [
        (["no frame"], 1002, "without an empty line"),
        ([b"\0"], 1002, "a binary frame of 1 bytes"),
        ([CONTEXT], 1002, "before speech.config"),
        ([CONFIG, encode_text("speech.context", "{}")], 1002, "32 hex digits"),
        ([CONFIG, encode_text("speech.context", "{", X_RequestId=ID)], 1007, "not JSON"),
        ([CONFIG, CONTEXT, CONTEXT], 1002, "an earlier turn"),
        ([CONFIG, audio(HEADER)], 1002, "no speech.context"),
        ([CONFIG, CONTEXT, audio(b"1234")], 1002, "without a RIFF header"),
        ([CONFIG, encode_text("speech.what", "")], 1002, "unknown path 'speech.what'"),
        ([CONFIG, CONTEXT, audio(HEADER), audio(b""), audio(b"12")], 1002, "empty chunk"),
    ],
)
def test_violations(frames, code, violation):
    """A connection that violates the protocol is closed with a reason, which is recorded."""
    with serve(script=ROLL) as emulator:
        # the turn may end before the emulator reads the frames that come too late
        _, closed = talk(emulator, *frames, until=None)
        assert violation in (emulator.requests[0].violation or "")
        assert emulator.complaints()[0].startswith("connection 0 violated the protocol")
    assert closed == code


def test_messages_that_are_only_recorded():
    """Telemetry, events and commits change nothing, but are recorded."""
    frames = [
        CONFIG,
        CONTEXT,
        encode_text("speech.event", "{}"),
        encode_text("telemetry", '{"Metrics":[]}'),
        encode_text("audio.commit", "", X_RequestId=ID),
        audio(HEADER + bytes(3_200)),
        audio(bytes(60_800)),
        audio(b""),
    ]
    with serve(script=ROLL) as emulator:
        answered, _ = talk(emulator, *frames)
        (record,) = emulator.requests
        assert emulator.complaints(grace=2) == []
    assert answered[0] == "turn.start"
    assert answered[-3:] == ["speech.endDetected", "speech.phrase", "turn.end"]
    assert record.telemetry == [{"Metrics": []}]
    (turn,) = record.turns
    assert (turn.committed, turn.audio_seconds, turn.request_id) == (1, 2.0, ID)


class Broken:
    """An engine that fails."""

    def open(self, request, audio, listen, channel):
        raise RuntimeError("broken on purpose")


def test_an_engine_that_fails():
    """An engine that fails closes the connection with code 1011."""
    with serve(engine=Broken()) as emulator:
        _, code = talk(emulator, CONFIG, CONTEXT, audio(HEADER + bytes(3_200)))
    assert code == 1011


def post(emulator, path, *, headers=None, data=None):
    """Make a POST request; return the status and the body."""

    async def run():
        async with aiohttp.ClientSession() as http:
            url = emulator.url + path
            async with http.post(url, headers=headers, data=data) as response:
                return response.status, await response.text()

    status, text = wait(run())
    return status, (json.loads(text) if text.startswith("{") else text)


FAST = "/speechtotext/transcriptions:transcribe"


def form(audio=None, **definition):
    """Return a multipart body."""
    data = aiohttp.FormData(default_to_multipart=True)
    data.add_field("definition", json.dumps(definition))
    if audio is not None:
        data.add_field("audio", audio, filename="a.wav")
    return data


def test_fast_transcription_of_real_audio(audio):
    """Fast transcription decodes any file and returns what the engine recognizes."""
    recording = (audio / "praatio_mary.flac").read_bytes()
    with serve(engine="local") as emulator:
        data = form(recording, locales=["en-US"])
        status, answer = post(emulator, FAST + "?api-version=2024-11-15", data=data)
    assert status == 200
    assert answer["combinedPhrases"] == [{"text": "Mary rolled the barrel."}]
    assert answer["durationMilliseconds"] == 1870


def test_fast_transcription_of_two_channels():
    """Channels of a stereo file are transcribed separately."""
    script = Script(
        segments=(
            Utterance(text="L.", start=0, end=1),
            Utterance(text="R.", start=0, end=1, channel=1),
        )
    )
    stereo = azstt.to_wav(marked_wav(2), output=azstt.AudioFormat(channels=2))
    with serve(script=script) as emulator:
        _, answer = post(emulator, FAST + "?api-version=x", data=form(stereo, channels=[0, 1]))
    assert [phrase["text"] for phrase in answer["phrases"]] == ["L.", "R."]


@pytest.mark.parametrize(
    ("query", "data", "message"),
    [
        ("", form(b"x"), "'api-version' is missing"),
        ("?api-version=x", form(), "'audio' is missing"),
        ("?api-version=x", form(b"no audio at all"), "can't be decoded"),
        ("?api-version=x", b"raw", "multipart/form-data"),
    ],
    ids=["no-version", "no-audio", "not-audio", "not-multipart"],
)
def test_bad_requests(query, data, message):
    """A bad REST request is answered with 400, a code and a message."""
    with serve() as emulator:
        status, answer = post(emulator, FAST + query, data=data)
        assert emulator.requests[0].status == 400
    assert (status, answer["code"]) == (400, "InvalidRequest")
    assert message in answer["message"]


SHORT = "/speech/recognition/conversation/cognitiveservices/v1"


def test_short_audio():
    """Short audio returns the first phrase, simple or detailed."""
    with serve(script=ROLL) as emulator:
        wav = marked_wav(3)
        _, simple = post(emulator, SHORT + "?language=en-US", data=wav)
        _, detailed = post(emulator, SHORT + "?language=en-US&format=detailed", data=wav)
        _, silent = post(emulator, SHORT + "?language=en-US", data=azstt.to_wav(wav, start=1.5))
        wrong, _ = post(emulator, SHORT, data=wav)
    assert simple == {
        "RecognitionStatus": "Success",
        "DisplayText": "Mary rolled the barrel.",
        "Offset": 0,
        "Duration": 12_000_000,
    }
    assert detailed["NBest"][0]["Lexical"] == "mary rolled the barrel"
    assert silent["RecognitionStatus"] == "Success"  # every REST request starts the script anew
    assert wrong == 400


def test_short_audio_that_is_silent():
    """Silence is reported as such."""
    with serve() as emulator:
        _, answer = post(emulator, SHORT + "?language=en-US", data=marked_wav(1))
    assert answer["RecognitionStatus"] == "InitialSilenceTimeout"


def test_short_audio_is_assessed():
    """A header asks for an assessment, whose scores are not nested."""
    asked = base64.b64encode(b'{"ReferenceText":"Mary rolled","Granularity":"Word"}').decode()
    with serve(script=ROLL) as emulator:
        path = SHORT + "?language=en-US"
        _, answer = post(
            emulator, path, headers={"Pronunciation-Assessment": asked}, data=marked_wav(2)
        )
        status, _ = post(emulator, path, headers={"Pronunciation-Assessment": "!"}, data=b"")
    assert answer["NBest"][0]["AccuracyScore"] == 90
    assert answer["NBest"][0]["Words"][0]["AccuracyScore"] == 90
    assert status == 400


def test_tokens_are_issued():
    """A token that was issued for the key is accepted, and an unknown path is not found."""
    with serve(key="right") as emulator:
        refused, _ = post(emulator, "/sts/v1.0/issueToken")
        _, token = post(
            emulator, "/sts/v1.0/issueToken", headers={"Ocp-Apim-Subscription-Key": "right"}
        )
        bearer = {"Authorization": f"Bearer {token}"}
        status, _ = post(emulator, SHORT + "?language=en-US", headers=bearer, data=marked_wav(1))
        entra = {"Authorization": f"Bearer aad#/subscriptions/1#{token}"}
        lost, _ = post(emulator, "/nowhere", headers=entra)
    assert (refused, status, lost) == (401, 200, 404)


def test_tls(tmp_path):
    """With a certificate the emulator speaks TLS."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made += ["-keyout", key, "-out", certificate]
    try:
        subprocess.run(
            [*made, "-keyout", key, "-out", certificate], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("openssl, which makes the certificate, is not on the PATH")

    async def connect(url):
        context = ssl.create_default_context(cafile=certificate)
        async with aiohttp.ClientSession() as http, http.ws_connect(url, ssl=context) as ws:
            await ws.send_str(CONFIG)

    with serve(tls=(certificate, key)) as emulator:
        assert emulator.host.startswith("wss://")
        wait(connect(emulator.host + PATH))
        assert emulator.complaints(grace=2) == []


def test_a_refusal_says_when_to_retry():
    """A refusal by the quota or by a fault has the header Retry-After."""

    async def attempts(emulator, count):
        async with aiohttp.ClientSession() as http, http.ws_connect(emulator.url + PATH):
            for _ in range(count):
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await http.ws_connect(emulator.url + PATH)
                yield caught.value.status, caught.value.headers["Retry-After"]

    async def answers(emulator, count):
        return [answer async for answer in attempts(emulator, count)]

    faults = Faults.of(Refuse(status=503, retry_after=7, connection=1))
    with serve(quota=1, faults=faults) as emulator:
        assert wait(answers(emulator, 2)) == [(503, "7"), (429, "1")]


def test_a_browser_sends_its_key_in_the_query():
    """A credential in the query is accepted, as browsers can't set headers."""
    with serve(script=ROLL, key="right") as emulator:

        async def connect(query):
            async with aiohttp.ClientSession() as http:
                try:
                    async with http.ws_connect(emulator.url + PATH + query):
                        return 101
                except aiohttp.WSServerHandshakeError as error:
                    return error.status

        assert wait(connect("?Ocp-Apim-Subscription-Key=right")) == 101
        assert wait(connect("")) == 401
        assert "right" not in repr(emulator.requests)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "what"}, "unknown engine: 'what'"),
        ({"engine": "local", "script": ROLL}, "requires engine='script'"),
        ({"speed": 0}, "speed=0 must be a number of seconds above 0"),
        ({"quota": -1}, "quota=-1 must be a whole number, 1 or more"),
        ({"script": "missing.json"}, "can't be read"),
        ({"faults": "missing.json"}, "can't be read"),
        ({"tls": ("missing", "missing")}, "can't listen"),
        ({"port": 1 << 20}, "can't listen"),
    ],
)
def test_wrong_settings(settings, message):
    """A wrong setting is reported by name, and nothing is left running."""
    with pytest.raises(azstt.ConfigurationError, match=message), serve(**settings):
        pass


def test_a_port_that_is_taken():
    """A port that is in use is named."""
    with serve() as emulator:
        port = int(emulator.host.rpartition(":")[2])
        with pytest.raises(azstt.ConfigurationError, match=str(port)), serve(port=port):
            pass
        assert repr(emulator) == f"Emulator('ws://127.0.0.1:{port}')"


def test_an_engine_of_your_own():
    """Any object that implements the engine protocol can be the engine."""
    with serve(engine=ScriptEngine(ROLL)) as emulator:
        status, answer = post(emulator, SHORT + "?language=en-US", data=marked_wav(2))
    assert (status, answer["DisplayText"]) == (200, "Mary rolled the barrel.")


PROGRAM = """
import sys, azstt.emulator as e
e.run(e.serve(), seconds=float(sys.argv[1]) if sys.argv[1:] else None)
"""


def test_the_program():
    """The program prints where it listens, and exits cleanly on SIGTERM or after its time."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        output = program.stdout.readline()
        assert output.startswith("listening on ws://127.0.0.1:")
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0
    done = subprocess.run([sys.executable, "-c", PROGRAM, "0.1"], capture_output=True, check=True)
    assert done.stdout.startswith(b"listening on ")


def test_the_extra_is_named():
    """Without aiohttp the error contains the command that installs it."""
    code = "import sys; sys.modules['aiohttp'] = None; import azstt.emulator as e; "
    code += "e.serve().__enter__()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"pip install 'azstt[emulator]'" in done.stderr


OTHERS = """
import asyncio, aiohttp

def test_open(azure_speech_emulator):
    emulator = azure_speech_emulator()
    import socket, base64
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    test_open.kept = socket.create_connection((host, int(port)))
    test_open.kept.sendall(
        b"GET /stt/speech/universal/v2 HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\n"
        b"Connection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n"
        b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\\r\\n\\r\\n")
    assert b"101" in test_open.kept.recv(100)

def test_fine(azure_speech_emulator):
    assert azure_speech_emulator().requests == ()
"""


def test_the_fixture_fails_a_test_that_leaves_a_connection_open(tmp_path: Path):
    """A user's test that leaves a connection open fails and says so."""
    (tmp_path / "test_others.py").write_text(OTHERS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "2 passed, 1 error" in done.stdout
    assert "was left open" in done.stdout


def test_the_plugin_is_light():
    """A test run that does not use the fixture does not import azstt."""
    code = "import sys, pytest_azstt; print('azstt' in sys.modules, 'aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_an_outage_affects_all_clients():
    """An outage cuts all connections and refuses new ones until it is over."""
    outages = (Outage(after=0.0, seconds=1.0), Outage(after=0.0, seconds=0.0, how="fin"))

    async def call(emulator) -> list[str]:
        outcomes = []
        async with aiohttp.ClientSession() as http:
            for _ in outages:
                while True:
                    try:
                        async with http.ws_connect(emulator.url + PATH) as ws:
                            message = await ws.receive()
                            outcomes.append(message.type.name)
                            break
                    except aiohttp.ClientConnectionError:
                        if "refused" not in outcomes:  # it has just begun
                            with pytest.raises(aiohttp.ClientConnectionError):
                                await http.post(f"{emulator.url}/sts/v1.0/issueToken")
                        outcomes.append("refused")
                        await asyncio.sleep(0.05)
            async with http.ws_connect(emulator.url + PATH) as ws:
                await ws.close()
        return outcomes

    with serve(faults=Faults.of(*outages)) as emulator:
        first, *refused, last = wait(call(emulator))
        ways = [record.closed for record in emulator.requests if record.status == 101]
    assert first in {"CLOSED", "ERROR"}
    assert last in {"CLOSED", "ERROR"}
    assert set(refused) == {"refused"}
    assert ways == ["reset", "fin", "client 1000"]
