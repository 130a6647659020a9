import json

import pytest

from azstt import open_audio
from azstt.backends.local._align import Aligner, spread_over_runs

pytest.importorskip("pocketsphinx")


def pcm(path) -> bytes:
    """Decode a recording."""
    with open_audio(path) as reader:
        return b"".join(reader)


@pytest.fixture(scope="module")
def aligner():
    """One aligner for all tests: it is slow to make."""
    return Aligner()


@pytest.mark.parametrize("name", ["praatio_mary", "praatio_bobby"])
def test_words_start_where_a_listener_says(aligner, audio, name):
    """Words start within 50 ms of where a phonetician marked them."""
    labels = json.loads((audio / f"{name}.words.json").read_text())
    spans = aligner.align(pcm(audio / f"{name}.flac"), [label["word"] for label in labels])
    off = [abs(span[0] - label["start"]) for span, label in zip(spans, labels, strict=True)]
    assert sum(off) / len(off) < 0.05


def test_words_that_are_in_no_dictionary(aligner, audio):
    """A word that is not in the dictionary, and one without letters, get times too."""
    said = ["Mary,", "rollt", "1999", "the", "barrel."]
    spans = aligner.align(pcm(audio / "praatio_mary.flac"), said)
    assert [end >= start for start, end in spans] == [True] * 5
    assert spans[2][0] == spans[2][1] == spans[1][1]
    assert spans[3][0] >= spans[2][1]


def test_times_do_not_depend_on_what_came_before(aligner, audio):
    """The same audio gives the same times, whatever was aligned in between."""
    mary, bobby = (pcm(audio / f"praatio_{name}.flac") for name in ("mary", "bobby"))
    words = ["mary", "rolled", "the", "barrel"]
    first = aligner.align(mary, words)
    aligner.align(bobby, ["bobby", "ripped", "the", "ledger"])
    assert aligner.align(mary, words) == first


@pytest.mark.parametrize("words", [[], ["1999", "..."]])
def test_nothing_to_align(aligner, words):
    """Without letters there is nothing to align."""
    assert aligner.align(bytes(32_000), words) is None


def test_words_that_were_not_said(aligner):
    """A text that does not match the audio gets no times and does not affect the next one."""
    assert aligner.align(bytes(3200), ["supercalifragilistic"] * 20) is None
    assert aligner.align(bytes(0), ["a"]) is None


def test_estimated_words_keep_out_of_the_pauses():
    """Words are spread over the speech, never over the silence in between."""
    runs = [(1.0, 2.0), (5.0, 6.0)]
    first, second, third = spread_over_runs(["abc", "defg", "hi"], runs, [0.5, 0.6, 0.7])
    assert (first.start, third.end) == (1.0, 6.0)
    assert first.end < 2.0
    assert second.end > 5.0
    assert [word.confidence for word in (first, second, third)] == [0.5, 0.6, 0.7]
    assert all(word.estimated for word in (first, second, third))


def test_estimates_survive_rounding():
    """A word that rounding puts just past the last run ends with the run."""
    runs = [(1.6, 3.7), (4.9, 7.8)]  # 2.1 + 2.9 is more than what is left after 2.1
    words = spread_over_runs(["a"] * 7, runs, [1.0] * 7)
    assert words[-1].end == 7.8


def test_estimated_word_that_ends_with_a_run():
    """A word that fills its run ends with it, and the next begins with the next."""
    first, second = spread_over_runs(["abc", "abc"], [(1.0, 2.0), (5.0, 6.0)], [1.0, 1.0])
    assert (first.start, first.end, second.start, second.end) == (1.0, 2.0, 5.0, 6.0)
