import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt.backends.local._endpointer import VadParameters
from azstt.backends.local._utterance import UtteranceAudio
from azstt.backends.local._vad_segmenter import SpeechOnset, VadSegmenter, silero

BLOCK = 1024
VAD = VadParameters(min_speech=2, hangover=3, min_silence=5, max_speech=30, speech_pad=2)
LOUD, QUIET = b"\x01\x10" * 512, bytes(BLOCK)


def loudness(block: bytes) -> float:
    """A voice activity detector for tests: any nonzero sample is speech."""
    assert len(block) == BLOCK
    return 1.0 if any(block) else 0.0


def segment(pieces) -> tuple[list[SpeechOnset | UtteranceAudio], VadSegmenter]:
    """Segment audio piece by piece, to the end."""
    segmenter = VadSegmenter(loudness, VAD)
    found = [item for piece in pieces for item in segmenter.push(piece)]
    found += segmenter.finish()
    return [item for item in found if item is not None], segmenter


def test_utterance_holds_its_audio():
    """An utterance holds the audio between its times, padding included, to the sample."""
    pcm = QUIET * 10 + LOUD * 5 + QUIET * 10
    (speech, utterance), _ = segment([pcm])
    assert speech == SpeechOnset(8 * 0.032)
    assert isinstance(utterance, UtteranceAudio)
    assert (utterance.start, utterance.end) == (8 * 0.032, 17 * 0.032)
    assert utterance.runs == ((10 * 0.032, 15 * 0.032),)
    assert utterance.pcm == pcm[8 * BLOCK : 17 * BLOCK]


def test_no_utterance_exceeds_the_audio():
    """Speech up to the very end ends where the audio does, in the middle of a block."""
    pcm = LOUD * 5 + LOUD[:100]
    (_, utterance), segmenter = segment([pcm])
    assert isinstance(utterance, UtteranceAudio)
    assert utterance.pcm == pcm
    assert utterance.end == segmenter.position == len(pcm) / 32_000
    assert utterance.runs[-1][1] == utterance.end


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1023, 1025])
def test_less_than_a_block(size):
    """Less than a block counts too; half a sample does not."""
    found, segmenter = segment([bytes(size)])
    assert found == []
    assert segmenter.position == size // 2 / 16_000


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=8),
    st.lists(st.integers(1, 5000), min_size=1, max_size=20),
)
def test_cuts_of_the_writes_do_not_matter(stretches, sizes):
    """However the audio is cut into writes, the utterances are the same."""
    pcm = b"".join((LOUD if loud else QUIET) * length for loud, length in stretches)
    pieces, at = [], 0
    while at < len(pcm):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(pcm[at : at + size])
        at += size
    whole, one = segment([pcm])
    cut, other = segment(pieces)
    assert whole == cut
    assert one.position == other.position


def test_unfinished_utterance():
    """The open utterance is returned again only after enough further speech."""
    segmenter = VadSegmenter(loudness, VAD)
    assert segmenter.unfinished(0.0) is None
    list(segmenter.push(QUIET * 10 + LOUD * 10))
    first = segmenter.unfinished(0.3)
    assert first is not None
    assert (first.start, first.end) == (8 * 0.032, 20 * 0.032)
    assert first.pcm == QUIET * 2 + LOUD * 10
    list(segmenter.push(LOUD * 5))
    assert segmenter.unfinished(0.3) is None
    list(segmenter.push(LOUD * 5))
    assert segmenter.unfinished(0.3) is not None


def test_memory_is_bounded():
    """Of a long recording no more is kept than the longest utterance."""
    segmenter = VadSegmenter(loudness, VAD)
    most = 0
    for _ in range(20):
        list(segmenter.push(QUIET * 400 + LOUD * 30 + QUIET * 20))
        most = max(most, len(segmenter._kept))
    assert most <= 120 * BLOCK


def test_silero_keeps_no_state_between_detectors(audio):
    """Every session has a detector of its own."""
    pcm = (audio / "jfk.wav").read_bytes()[44:]
    blocks = [pcm[at : at + BLOCK] for at in range(0, 100 * BLOCK, BLOCK)]
    one, other = silero(), silero()
    levels = [one(block) for block in blocks]
    assert [other(block) for block in blocks] == levels
    assert max(levels) > 0.9
