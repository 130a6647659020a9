import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt.backends.local._endpointer import VadParameters
from azstt.backends.local._utterance import Utterance
from azstt.backends.local._vad_segmenter import Speech, VadSegmenter, silero

BLOCK = 1024
CUTTING = VadParameters(shortest=2, hangover=3, join=5, longest=30, padding=2)
LOUD, QUIET = b"\x01\x10" * 512, bytes(BLOCK)


def loudness(block: bytes) -> float:
    """A detector to test with: whatever is not zero is speech."""
    assert len(block) == BLOCK
    return 1.0 if any(block) else 0.0


def hear(pieces) -> tuple[list[Speech | Utterance], VadSegmenter]:
    """Listen to audio piece by piece, to the end."""
    listener = VadSegmenter(loudness, CUTTING)
    heard = [item for piece in pieces for item in listener.hear(piece)]
    heard += listener.finish()
    return [item for item in heard if item is not None], listener


def test_utterance_holds_its_audio():
    """An utterance has the audio of its times, padding included, to the sample."""
    pcm = QUIET * 10 + LOUD * 5 + QUIET * 10
    (speech, utterance), _ = hear([pcm])
    assert speech == Speech(8 * 0.032)
    assert isinstance(utterance, Utterance)
    assert (utterance.start, utterance.end) == (8 * 0.032, 17 * 0.032)
    assert utterance.runs == ((10 * 0.032, 15 * 0.032),)
    assert utterance.pcm == pcm[8 * BLOCK : 17 * BLOCK]


def test_nothing_reaches_behind_the_audio():
    """Speech up to the very end ends where the audio does, in the middle of a block."""
    pcm = LOUD * 5 + LOUD[:100]
    (_, utterance), listener = hear([pcm])
    assert isinstance(utterance, Utterance)
    assert utterance.pcm == pcm
    assert utterance.end == listener.position == len(pcm) / 32_000
    assert utterance.runs[-1][1] == utterance.end


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1023, 1025])
def test_odds_and_ends(size):
    """Less than a block is heard too; half a sample is not counted."""
    heard, listener = hear([bytes(size)])
    assert heard == []
    assert listener.position == size // 2 / 16_000


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=8),
    st.lists(st.integers(1, 5000), min_size=1, max_size=20),
)
def test_cuts_of_the_writes_do_not_matter(stretches, sizes):
    """However the audio is cut into writes, the same comes out."""
    pcm = b"".join((LOUD if loud else QUIET) * length for loud, length in stretches)
    pieces, at = [], 0
    while at < len(pcm):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(pcm[at : at + size])
        at += size
    whole, one = hear([pcm])
    cut, other = hear(pieces)
    assert whole == cut
    assert one.position == other.position


def test_unfinished_utterance():
    """What is open is given again only when enough speech has been added."""
    listener = VadSegmenter(loudness, CUTTING)
    assert listener.unfinished(0.0) is None
    list(listener.hear(QUIET * 10 + LOUD * 10))
    first = listener.unfinished(0.3)
    assert first is not None
    assert (first.start, first.end) == (8 * 0.032, 20 * 0.032)
    assert first.pcm == QUIET * 2 + LOUD * 10
    list(listener.hear(LOUD * 5))
    assert listener.unfinished(0.3) is None
    list(listener.hear(LOUD * 5))
    assert listener.unfinished(0.3) is not None


def test_memory_is_bounded():
    """Of a long recording no more is kept than the longest utterance."""
    listener = VadSegmenter(loudness, CUTTING)
    most = 0
    for _ in range(20):
        list(listener.hear(QUIET * 400 + LOUD * 30 + QUIET * 20))
        most = max(most, len(listener._kept))
    assert most <= 120 * BLOCK


def test_silero_keeps_no_state_between_listeners(audio):
    """Every session listens with a detector of its own."""
    pcm = (audio / "jfk.wav").read_bytes()[44:]
    blocks = [pcm[at : at + BLOCK] for at in range(0, 100 * BLOCK, BLOCK)]
    one, other = silero(), silero()
    levels = [one(block) for block in blocks]
    assert [other(block) for block in blocks] == levels
    assert max(levels) > 0.9
