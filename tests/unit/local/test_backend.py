import json
import shutil
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azstt import ConfigurationError, RecognitionOptions, SessionStateError, open_audio
from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, ServiceError
from azstt._events import (
    Committed,
    Ended,
    Event,
    Failed,
    Final,
    Partial,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt.backends import CommittingSession, RecognizerBackend
from azstt.backends.local import LocalBackend, _assets
from azstt.backends.local._endpointer import VadParameters
from azstt.backends.local._pool import Heartbeat
from azstt.backends.local._recognizer import load as load_model
from azstt.backends.local._session import LocalSession, LocalSessionConfig

pytestmark = pytest.mark.usefixtures("no_thread_left")
TIMEOUT = 60.0
PIECE = 3200
#: Recordings of which every processor's arithmetic makes the same words.
CLEAR = ["arctic_a0009.flac", "librispeech_61.flac", "praatio_mary.flac"]


def pcm(path, seconds=None) -> bytes:
    """Decode a recording, or its beginning."""
    with open_audio(path, end=seconds) as reader:
        return b"".join(reader)


@pytest.fixture(scope="module")
def backend():
    """The backend as most people have it."""
    return LocalBackend()


@pytest.fixture(scope="module")
def speech(audio):
    """A man says a sentence with pauses, in 11 s."""
    return pcm(audio / "jfk.wav")


@pytest.fixture(scope="module")
def clip(audio):
    """A woman says a sentence, in 3 s."""
    return pcm(audio / "arctic_a0009.flac")


def recognize(backend, audio: bytes, sizes=(PIECE,), **options) -> list[Event]:
    """Run audio through a session, in writes of the given sizes in turn."""
    events: list[Event] = []
    session = backend.open(RecognitionOptions(**options), AudioFormat(), events.append)
    session.start()
    at = writes = 0
    while at < len(audio):
        size = sizes[writes % len(sizes)]
        session.write(audio[at : at + size])
        at, writes = at + size, writes + 1
    session.finish()
    session.close()
    return events


def finals(events) -> list[Final]:
    """Return the finals."""
    return [event for event in events if isinstance(event, Final)]


def plain(events) -> str:
    """Return the recognized words in lower case."""
    text = " ".join(event.segment.text for event in finals(events)).lower()
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in text).split())


def test_it_is_a_backend(backend):
    """It implements the port and declares what it can do."""
    assert isinstance(backend, RecognizerBackend)
    can = backend.capabilities
    assert backend.name == "local"
    assert (can.offline, can.confidence, can.partials, can.segmentation) == (True,) * 4
    assert (can.diarization, can.phrases, can.language_detection) == (False,) * 3
    assert (can.commits, can.updates, can.reconnects) == (True, frozenset(), False)
    assert can.languages == {"en"}
    assert LocalBackend(align=False).capabilities.word_times == "estimated"
    assert LocalBackend(align=True).capabilities.word_times == "measured"


@pytest.mark.parametrize("name", CLEAR)
def test_clip_is_recognized_to_the_word(backend, audio, manifest, name):
    """A clear recording yields exactly its words."""
    assert plain(recognize(backend, pcm(audio / name))) == manifest[name]["text"]


@pytest.mark.parametrize("align", [True, False])
def test_words_lie_in_their_segment(speech, align):
    """Words follow one another inside their segment, each with a confidence."""
    events = recognize(LocalBackend(align=align), speech, segmentation_silence=0.5)
    assert len(finals(events)) > 2
    for event in finals(events):
        segment = event.segment
        edges = [edge for word in segment.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert segment.start <= edges[0]
        assert edges[-1] <= segment.end
        assert segment.text == " ".join(word.text for word in segment.words)
        assert all(word.estimated is not align for word in segment.words)
        assert 0.3 < segment.confidence <= 1
        assert min(word.confidence for word in segment.words) <= segment.confidence


@pytest.mark.parametrize("align", [True, False])
def test_word_starts(audio, align):
    """Words start near where a phonetician marked them, nearer if measured than if estimated."""
    labels = json.loads((audio / "praatio_mary.words.json").read_text())
    events = recognize(LocalBackend(align=align), pcm(audio / "praatio_mary.flac"))
    words = finals(events)[0].segment.words
    off = [abs(w.start - label["start"]) for w, label in zip(words, labels, strict=True)]
    assert sum(off) / len(off) < (0.05 if align else 0.15)


def test_the_course_of_a_session(backend, speech):
    """Each segment starts, ends and gets its final, in order; the session ends with the audio."""
    events = recognize(backend, speech, segmentation_silence=0.5)
    assert events[0] == Started(model="moonshine-tiny-en")
    assert events[-1] == Ended(position=11.0)
    count = len(finals(events))
    assert sum(isinstance(event, SpeechStarted) for event in events) == count
    assert sum(isinstance(event, SpeechEnded) for event in events) == count
    starts = [event.segment.start for event in finals(events)]
    assert starts == sorted(starts)


def test_language_tag(backend, audio):
    """A segment has the language tag that was asked for, else that of American English."""
    clip = pcm(audio / "arctic_a0009.flac")
    assert finals(recognize(backend, clip))[0].segment.language == "en-US"
    assert finals(recognize(backend, clip, language="en-GB"))[0].segment.language == "en-GB"


@pytest.mark.parametrize("size", [0, 2, 320, 3200, 160_000])
def test_silence_has_no_words(backend, size):
    """Silence of any length, even one sample, ends normally without text."""
    events = recognize(backend, bytes(size))
    assert events == [Started(model="moonshine-tiny-en"), Ended(position=size / 32_000)]


def test_noise_has_no_words(backend, audio):
    """Noise, recorded or synthetic, yields no text."""
    dice = np.random.default_rng(1)
    made = dice.integers(-9000, 9000, 64_000, "<i2").tobytes()
    assert plain(recognize(backend, pcm(audio / "noise.flac"))) == ""
    assert plain(recognize(backend, made)) == ""


@pytest.mark.parametrize("milliseconds", [1, 10, 100])
def test_scrap_of_speech(backend, speech, milliseconds):
    """A scrap of speech, too short to hold a word, is accounted for."""
    scrap = speech[32_000 : 32_000 + 32 * milliseconds]
    assert recognize(backend, scrap)[-1] == Ended(position=milliseconds / 1000)


def test_partials_grow_into_the_final(backend, audio):
    """While a segment is open, its text so far is emitted, and grows."""
    said: list[Event] = []
    session = backend.open(RecognitionOptions(partials=True), AudioFormat(), said.append)
    session.start()
    clip = pcm(audio / "librispeech_61.flac") + bytes(64_000)
    for at in range(0, len(clip), PIECE):
        session.write(clip[at : at + PIECE])
        settled(session)
    session.finish()
    session.close()
    partials = [event for event in said if isinstance(event, Partial)]
    (final,) = finals(said)
    assert len(partials) >= 2  # a slow machine skips some
    assert len(partials[0].text) < len(partials[-1].text)
    assert {partial.start for partial in partials} == {partials[0].start}
    assert final.segment.text.startswith(partials[0].text.split()[0])
    assert said.index(partials[-1]) < said.index(final)


def settled(session) -> None:
    """Wait for the partial in progress, as with live audio."""
    deadline = time.monotonic() + TIMEOUT
    while session._partial_busy and time.monotonic() < deadline:
        time.sleep(0.001)


def test_no_partials_unless_asked(backend, speech):
    """Partials come only if they are asked for."""
    assert not any(isinstance(event, Partial) for event in recognize(backend, speech))


def test_a_shorter_pause_cuts_more(backend, speech):
    """The caller chooses the pause that ends a segment; the default is shorter live."""
    whole = finals(recognize(backend, speech))
    short = finals(recognize(backend, speech, segmentation_silence=0.3))
    live = finals(recognize(backend, speech, partials=True))
    assert len(whole) < len(live) <= len(short)


@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it watches over all examples
)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=6))
def test_cuts_of_the_writes_do_not_matter(backend, clip, sizes):
    """However the audio is cut into writes, the finals are the same."""
    assert finals(recognize(backend, clip, sizes)) == finals(recognize(backend, clip, [len(clip)]))


def test_sessions_at_once(audio, manifest):
    """Sessions share a bounded number of threads, and each recognizes what it would alone."""
    names = CLEAR * 2
    audios = {name: pcm(audio / name) for name in names}
    backend, heard, most = LocalBackend(workers=2), [], 0

    def run(name: str) -> None:
        heard.append((name, plain(recognize(backend, audios[name]))))

    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        names_now = [thread.name for thread in threading.enumerate()]
        most = max(most, names_now.count("azstt-local"))
        time.sleep(0.002)
    assert 1 <= most <= 2
    assert sorted(heard) == sorted((name, manifest[name]["text"]) for name in names)


def test_a_commit_ends_the_open_utterance(backend, audio, clip, manifest):
    """The open utterance gets its final without more audio; the rest is another one."""
    name = "librispeech_61.flac"
    sentence, events = pcm(audio / name), []
    session = backend.open(RecognitionOptions(), AudioFormat(), events.append)
    assert isinstance(session, CommittingSession)
    session.start()
    session.write(sentence)
    session.commit()
    session.commit()
    deadline = time.monotonic() + TIMEOUT
    while not finals(events):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert plain(events) == manifest[name]["text"]
    session.write(clip)
    session.finish()
    session.close()
    assert plain(events[-2:]) == manifest["arctic_a0009.flac"]["text"]
    first, second = (event.segment for event in finals(events))
    assert first.end <= len(sentence) / 32_000 <= second.start
    assert events[-1] == Ended(position=len(sentence + clip) / 32_000)


def test_a_commit_of_silence_is_nothing(backend):
    """Without speech there is no segment to end, but the commit is answered."""
    events: list[Event] = []
    session = backend.open(RecognitionOptions(), AudioFormat(), events.append)
    session.start()
    session.commit()
    session.write(bytes(32_000))
    session.commit()
    session.finish()
    session.close()
    assert events == [
        Started(model="moonshine-tiny-en"),
        Committed(at=0.0),
        Committed(at=1.0),
        Ended(position=1.0),
    ]


def blocked(session, speech) -> threading.Thread:
    """Write to a session until it blocks; return the thread that is stuck in it."""
    writer = threading.Thread(target=session.write, args=(speech * 40,), daemon=True)
    writer.start()
    deadline = time.monotonic() + TIMEOUT
    while len(session._slots) < 3 and writer.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return writer


def test_close_frees_a_blocked_write(speech):
    """A write that waits for the decoder returns when another thread closes; no event follows."""
    backend = LocalBackend(workers=1)
    options = RecognitionOptions(segmentation_silence=0.3)
    sessions = []
    for _ in range(3):
        events: list[Event] = []
        session = backend.open(options, AudioFormat(), events.append)
        session.start()
        sessions.append((session, events, blocked(session, speech)))
    for session, events, writer in sessions:
        session.close()
        said = len(events)
        writer.join(TIMEOUT)
        assert not writer.is_alive()
        assert len(events) == said
        assert not any(isinstance(event, Ended | Failed) for event in events)


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 60), st.booleans(), st.booleans())
def test_close_at_any_moment(backend, speech, milliseconds, partials, finish):
    """Closed at any moment, a session emits nothing more and leaves no thread."""
    events: list[Event] = []
    options = RecognitionOptions(partials=partials, segmentation_silence=0.3)
    session = backend.open(options, AudioFormat(), events.append)
    session.start()

    def work() -> None:
        session.write(speech)
        if finish:
            session.finish()

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(milliseconds * milliseconds / 4000)
    session.close()
    said = len(events)
    assert not [t for t in threading.enumerate() if t.name == "azstt-local"]
    worker.join(TIMEOUT)
    assert not worker.is_alive()
    session.write(speech)
    session.finish()
    session.close()
    assert len(events) == said


def test_closed_by_its_own_event(backend, speech):
    """An event handler may close the session."""
    events: list[Event] = []

    def take(event: Event) -> None:
        events.append(event)
        if isinstance(event, Final):
            session.close()

    session = backend.open(RecognitionOptions(segmentation_silence=0.3), AudioFormat(), take)
    session.start()
    session.write(speech)
    session.finish()
    assert isinstance(events[-1], Final)
    assert len(finals(events)) == 1


def test_calls_out_of_place(backend):
    """A call that does not fit the session's state says what to do instead."""
    session = backend.open(RecognitionOptions(), AudioFormat(), lambda _: None)
    with pytest.raises(SessionStateError, match=r"write\(\) before start\(\)"):
        session.write(b"")
    with pytest.raises(SessionStateError, match=r"finish\(\) before start\(\)"):
        session.finish()
    session.start()
    with pytest.raises(SessionStateError, match="open another"):
        session.start()
    session.finish()
    with pytest.raises(SessionStateError, match=r"write\(\) after finish\(\)"):
        session.write(b"")
    with pytest.raises(SessionStateError, match=r"finish\(\) after finish\(\)"):
        session.finish()
    session.close()
    session.write(b"")
    session.finish()


def test_closed_before_it_was_started(backend):
    """A session that is closed before it starts emits nothing."""
    events: list[Event] = []
    session = backend.open(RecognitionOptions(), AudioFormat(), events.append)
    session.close()
    session.start()
    session.write(b"")
    session.close()
    assert events == []


def test_closed_while_it_starts():
    """A session that is closed while the model is loading never emits `Started`."""
    events: list[Event] = []

    def load():
        session.close()
        return load_model(_assets.packaged_model(), published=True, align=False)

    plan = LocalSessionConfig(
        loading=Heartbeat(),
        load=load,
        model="",
        language=None,
        vad=VadParameters(),
        partials=False,
        workers=1,
    )
    session = LocalSession(plan, events.append)
    session.start()
    session.write(bytes(32_000))
    assert events == []


@pytest.mark.parametrize(
    "audio",
    [AudioFormat(sample_rate=8000), AudioFormat(channels=2), AudioFormat(sample_width=4)],
    ids=lambda audio: f"{audio.sample_rate}-{audio.channels}-{audio.sample_width}",
)
def test_other_formats_are_refused(backend, audio):
    """Only 16 kHz mono 16-bit PCM is accepted."""
    with pytest.raises(ConfigurationError, match="takes 16 kHz mono 16-bit PCM"):
        backend.open(RecognitionOptions(), audio, print)


@pytest.mark.parametrize(
    "option", [{"language": "de-DE"}, {"diarize": True}, {"phrases": ("azstt",)}]
)
def test_what_it_cannot_do_is_refused(backend, option):
    """An option that is not supported is rejected, not ignored."""
    with pytest.raises(ConfigurationError, match="'local' backend does not"):
        backend.open(RecognitionOptions.of(option), AudioFormat(), print)


@pytest.fixture
def own_model(tmp_path):
    """A folder with a custom model, here a copy of the packaged one."""
    packaged = _assets.packaged_model()
    for name in _assets.DIGESTS:
        try:
            (tmp_path / name).symlink_to(packaged / name)
        except OSError:  # Windows, without the right to link
            shutil.copy(packaged / name, tmp_path / name)
    return tmp_path


def test_own_model(own_model, audio, manifest):
    """A custom model is named after its folder and may recognize any language."""
    backend = LocalBackend(own_model)
    assert backend.capabilities.languages is None
    assert backend.capabilities.word_times == "estimated"
    events = recognize(backend, pcm(audio / "arctic_a0009.flac"), language="fr-FR")
    assert events[0] == Started(model=own_model.name)
    assert finals(events)[0].segment.language == "fr-FR"
    assert plain(events) == manifest["arctic_a0009.flac"]["text"]


def test_folder_without_a_model(tmp_path):
    """A folder without a model is rejected before any audio is read."""
    with pytest.raises(ConfigurationError, match=r"encoder_model\.ort"):
        LocalBackend(tmp_path).open(RecognitionOptions(), AudioFormat(), print)


def test_file_that_is_not_a_model(own_model):
    """A model file that is not a model fails the start with a recognition error."""
    (own_model / _assets.ENCODER).unlink()
    (own_model / _assets.ENCODER).write_bytes(b"no model")
    events: list[Event] = []
    session = LocalBackend(own_model).open(RecognitionOptions(), AudioFormat(), events.append)
    with pytest.raises(RecognitionError, match="the embedded recognizer failed") as caught:
        session.start()
    assert not caught.value.retryable
    session.write(b"")
    session.close()
    assert events == []


@pytest.mark.parametrize("partials", [False, True])
def test_failure_in_a_worker(own_model, speech, partials):
    """An error while decoding ends the session with one `Failed`, never with silence."""
    (own_model / _assets.TOKENIZER).unlink()
    (own_model / _assets.TOKENIZER).write_bytes(b"\x01a")  # knows one token
    events: list[Event] = []
    session = LocalBackend(own_model).open(
        RecognitionOptions(partials=partials), AudioFormat(), events.append
    )
    session.start()
    for at in range(0, len(speech), PIECE):
        session.write(speech[at : at + PIECE])
    session.finish()
    session.write(speech)
    session.close()
    failed = [event for event in events if isinstance(event, Ended | Failed)]
    assert len(failed) == 1
    assert events[-1] is failed[0]
    assert isinstance(failed[0].error, ServiceError)
    assert isinstance(failed[0].error.__cause__, IndexError)


def test_failure_in_the_caller(backend):
    """An error in the segmenter is emitted as `Failed` too, not raised."""
    events: list[Event] = []
    session = backend.open(RecognitionOptions(), AudioFormat(), events.append)
    session.start()
    session.write("no bytes" * 1000)
    session.close()
    assert isinstance(events[-1], Failed)
