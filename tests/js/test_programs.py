"""Programs for the JavaScript client as people write them, in every state of a session."""

from __future__ import annotations

import socket

import pytest

from azstt.testing import ScriptedBackend
from tests.beeps import wav

pytestmark = pytest.mark.usefixtures("no_thread_left")

AUDIO = bytes(32_000)
#: Prints what became of a promise, or of a call that may throw.
OUTCOME = """
const outcome = async (call) => {
  let result;
  try { result = call(); } catch (error) { return `throws ${error.type}: ${error.message}`; }
  if (!(result instanceof Promise)) return "returns";
  const late = new Promise((resolve) => setTimeout(resolve, 1000, "waits"));
  const settled = result.then(
    (value) => `resolves${value === undefined ? "" : ` to ${value}`}`,
    (error) => `rejects ${error.type}: ${error.message}`,
  );
  return Promise.race([settled, late]);
};
"""


@pytest.fixture
def nobody():
    """Return the address of a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/live?key=secret"


REFUSED = """
const began = performance.now();
const client = new LiveClient();
await client.connect(url, { audio: "auto" }).catch((error) => print(error.message));
print(performance.now() - began);
"""


def test_a_refused_connection_is_told_at_once(run_program, nobody):
    """connect() rejects within a second if nobody listens, and names the URL without its query."""
    message, milliseconds = run_program(REFUSED, nobody)
    assert message.startswith(f"could not connect to ws{nobody[4:-11]}: ")
    assert milliseconds < 1000


def test_a_wrong_path_is_told_at_once(run_program, serve):
    """connect() rejects within a second if the server answers 404."""
    message, milliseconds = run_program(REFUSED, f"{serve(ScriptedBackend()).url}/nowhere")
    assert "/nowhere: " in message
    assert milliseconds < 1000


@pytest.mark.parametrize("reported", [["error", "close"], ["error"], ["close"]])
def test_a_socket_that_reports_failure_in_its_own_way(run_program, serve, reported):
    """A failed attempt is followed by the next at once: browsers report both, Node.js 22 one."""
    program = """
    let attempt = 0;
    const failing = () => {
      const socket = { send() {}, close() {} };
      setTimeout(() => REPORTED.forEach((name) => socket[`on${name}`]?.({})));
      return socket;
    };
    const socket = (url) => ((attempt += 1) === 2 ? failing() : new WebSocket(url));
    const client = new LiveClient({ socket, backoff: [1, 4] });
    await client.connect(url, { audio: { sample_rate: 16000 } });
    for (const piece of pieces) await client.send(piece);
    print(await client.finish());
    print(attempt);
    """
    pages = serve(ScriptedBackend.saying("Hello."), cuts=[6])
    program = f"const REPORTED = {reported};" + program
    assert run_program(program, f"{pages.url}/live", AUDIO) == ["Hello.", 3]


CALLS = """
const calls = {
  connect: (client) => client.connect(url, { audio: { sample_rate: 16000 } }),
  send: (client) => client.send(new Uint8Array(320)),
  commit: (client) => client.commit(),
  update: (client) => client.update({ phrases: ["x"] }),
  finish: (client) => client.finish(),
  close: (client) => client.close(),
};
const connect = calls.connect;
const states = {
  new: () => {},
  connecting: (client) => void connect(client),
  open: connect,
  finishing: async (client) => { await connect(client); client.finish(); },
  ended: async (client) => { await connect(client); await client.finish(); },
  failed: (client) => client.connect("ws://127.0.0.1:9").catch(() => {}),
  closed: async (client) => { await connect(client); client.close(); },
};
const table = {};
for (const [state, enter] of Object.entries(states)) {
  table[state] = {};
  for (const [name, call] of Object.entries(calls)) {
    const client = new LiveClient();
    await enter(client);
    table[state][name] = await outcome(() => call(client));
    client.close();
  }
}
print(table);
process.exit();
"""
CONNECTED = "rejects SessionStateError: connect() was already called; create another client"
FINISHED = "SessionStateError: can't send after finish()"
ENDED = "SessionStateError: the session is over"
CLOSED = "SessionStateError: the session was closed"
FAILED = "ServiceUnreachableError: could not connect to ws://127.0.0.1:9/: "
OPEN = {
    "connect": CONNECTED,
    "send": "resolves",
    "commit": "returns",
    "update": "returns",
    "finish": "resolves to ",
    "close": "returns",
}


def refused(why: str, **others: str) -> dict[str, str]:
    """Return what becomes of calls that are refused."""
    rejects, throws = f"rejects {why}", f"throws {why}"
    calls = {"connect": rejects, "send": rejects, "commit": throws, "update": throws}
    return {**calls, "finish": rejects, "close": "returns", **others}


def test_every_call_in_every_state(run_program, serve):
    """Each call settles, and those that return a promise never throw."""
    (table,) = run_program(OUTCOME + CALLS, f"{serve(ScriptedBackend()).url}/live")
    for call, outcome in table.pop("failed").items():
        assert outcome.startswith(refused(FAILED)[call]), call
    assert table == {
        "new": {
            **OPEN,
            "connect": "resolves",
            "finish": "rejects SessionStateError: finish() before connect()",
        },
        "connecting": OPEN,
        "open": OPEN,
        "finishing": refused(FINISHED, connect=CONNECTED, finish="resolves to "),
        "ended": refused(ENDED, finish="resolves to "),
        "closed": refused(CLOSED),
    }


def test_finishing_twice_is_one_promise(run_program, serve):
    """A second finish() returns the promise of the first."""
    program = """
    const client = new LiveClient();
    await client.connect(url, { audio: { sample_rate: 16000 } });
    for (const piece of pieces) client.send(piece);
    print(client.finish() === client.finish());
    print(await client.finish());
    """
    pages = serve(ScriptedBackend.saying("Hello."))
    assert run_program(program, f"{pages.url}/live", AUDIO) == [True, "Hello."]


def test_audio_sent_before_connecting(run_program, serve):
    """Audio may come before the connection: it is kept, and recognized."""
    program = """
    const client = new LiveClient();
    for (const piece of pieces) client.send(piece);
    client.connect(url, { audio: { sample_rate: 16000 } });
    print(await client.finish());
    """
    pages = serve(ScriptedBackend.saying("Hello."))
    assert run_program(program, f"{pages.url}/live", AUDIO) == ["Hello."]


def test_a_failure_is_no_unhandled_rejection(run_program, nobody):
    """A program that awaits nothing and listens to "failed" goes on, and is told once."""
    program = """
    const client = new LiveClient();
    client.addEventListener("failed", ({ detail }) => print(detail.error.type));
    client.connect(url);
    client.addEventListener("failed", () => {
      client.send(new Uint8Array(3200));
      client.finish();
    });
    """
    assert run_program(program, nobody) == ["ServiceUnreachableError"]


def test_an_invalid_url_is_told(run_program):
    """connect() rejects, and the client can still be connected."""
    program = """
    const client = new LiveClient();
    for (const bad of ["nowhere", "mailto:nobody"]) {
      await client.connect(bad).catch((error) => print([error.name, error.message]));
    }
    """
    first, second = run_program(program)
    assert first == ["LiveError", "invalid URL: nowhere"]
    assert second[0] == "LiveError"
    assert second[1].startswith("could not connect to mailto:nobody: ")


def test_recordings_are_stopped_by_finish(run_program, serve):
    """finish() stops the recordings first, so what they still hold is recognized."""
    program = """
    const client = new LiveClient();
    await client.connect(url, { audio: { sample_rate: 16000 } });
    client.recordings.add({ type: "audio/pcm", stop: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const piece of pieces) client.send(piece);
    } });
    print(await client.finish());
    """
    pages = serve(ScriptedBackend.saying("Hello."))
    assert run_program(program, f"{pages.url}/live", AUDIO) == ["Hello."]


LEFT = """
const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);
globalThis.removeEventListener = page.removeEventListener.bind(page);
const hide = (persisted) =>
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
const client = new LiveClient();
await client.connect(url, { audio: { sample_rate: 16000 } });
for (const piece of pieces) client.send(piece);
hide(true);
print(client.over);
hide(false);
print(client.over);
"""


def test_a_page_that_is_left_finishes(run_program, serve):
    """A page that is closed finishes its session at once; one that may come back does not."""
    pages = serve(ScriptedBackend.saying("Hello."), grace=3600)
    assert run_program(LEFT, f"{pages.url}/live", AUDIO) == [False, True]
    assert pages.all_dropped()
    (session,) = pages.sessions
    assert session.transcript.text == "Hello."
    assert session.transcript.complete


def test_a_recording_declared_as_pcm(run_program, serve):
    """finish() rejects with the remedy, instead of resolving to the text of nothing."""
    program = """
    const client = new LiveClient();
    await client.connect(url, { audio: { sample_rate: 16000 } });
    for (const piece of pieces) await client.send(piece).catch(() => {});
    print(await outcome(() => client.finish()));
    """
    pages = serve(ScriptedBackend.saying("Hello."))
    (said,) = run_program(OUTCOME + program, f"{pages.url}/live", wav(AUDIO))
    assert said.startswith("rejects ConfigurationError: this is no raw PCM: it begins like wav")
    assert pages.all_dropped()
