from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from azstt.backends.local._endpointer import (
    Closed,
    Mark,
    Opened,
    Segmenter,
    VadParameters,
    frames,
    seconds,
)

LEVELS = {".": 0.0, "-": 0.4, "#": 0.9}
SMALL = VadParameters(shortest=3, hangover=4, join=8, longest=20, padding=2)


def marks(probabilities, cutting=SMALL) -> list[Mark]:
    """Cut a whole recording."""
    segmenter = Segmenter(cutting)
    found = [mark for level in probabilities for mark in segmenter.push(level)]
    return found + list(segmenter.finish())


def drawn(picture: str, cutting=SMALL) -> list[Mark]:
    """Cut a recording that is drawn, a sign a frame."""
    return marks([LEVELS[sign] for sign in picture], cutting)


def closed(found: list[Mark]) -> list[Closed]:
    """Pick the segments."""
    return [mark for mark in found if isinstance(mark, Closed)]


def test_seconds_and_frames():
    """A frame is 512 samples at 16 kHz: 32 ms."""
    assert seconds(frames(1.6)) == 1.6
    assert seconds(1) == 0.032


def test_silence_has_no_segments():
    """Silence is never cut into segments."""
    assert drawn("." * 50) == []
    assert drawn("") == []


def test_speech_is_padded():
    """A segment takes a little of the silence around it along."""
    assert drawn("....#####" + "." * 12) == [Opened(2), Closed(2, 11, ((4, 9),))]


def test_speech_at_the_edges():
    """Speech from the first frame to the last is one segment."""
    assert drawn("#####") == [Opened(0), Closed(0, 7, ((0, 5),))]


def test_click_is_no_speech():
    """A run of a frame or two is dropped, wherever it comes."""
    assert drawn("...##....") == []
    assert drawn("...##") == []
    assert drawn("#####.....##........") == drawn("#####...............")


def test_hysteresis():
    """What is too faint to begin speech does not end it either."""
    assert drawn("-----") == []
    assert drawn("..###------###" + "." * 12) == [Opened(0), Closed(0, 16, ((2, 14),))]


def test_short_pause_is_bridged():
    """Two runs with a short pause between them are one segment of two runs."""
    assert closed(drawn("####.....####.........")) == [Closed(0, 15, ((0, 4), (9, 13)))]


def test_long_pause_cuts():
    """A pause longer than the join cuts, and the two share the silence at most by halves."""
    first, second = closed(drawn("####.........####........."))
    assert (first.runs, second.runs) == (((0, 4),), ((13, 17),))
    assert first.end <= second.start


def test_segment_ends_while_it_is_silent():
    """A segment is given as soon as the silence after it is longer than the join."""
    segmenter = Segmenter(SMALL)
    found = [list(segmenter.push(LEVELS[sign])) for sign in "####........."]
    assert [len(marks) for marks in found] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_pause_shorter_than_the_hangover():
    """A caller may ask for a pause that is shorter than the hangover."""
    hasty = VadParameters(shortest=3, hangover=8, join=3, longest=20, padding=2)
    assert len(closed(drawn("####....####....", hasty))) == 2


def test_bridged_segment_never_grows_too_long():
    """A run that would make the segment too long begins another one."""
    first, second = closed(drawn("########....########....########"))
    assert (first.runs, second.runs) == (((0, 8), (12, 20)), ((24, 32),))


def test_endless_speech_is_split_at_its_faintest():
    """Speech without any pause is split in the second half, where it is least likely speech."""
    first, second = closed(drawn("#" * 15 + "-" + "#" * 14))
    assert (first, second) == (Closed(0, 15, ((0, 15),)), Closed(15, 32, ((15, 30),)))


def cut_at(probabilities, cuts, cutting=SMALL) -> list[Mark]:
    """Cut a whole recording, and also after so many frames."""
    segmenter, found = Segmenter(cutting), []
    for now, level in enumerate(probabilities, 1):
        found += segmenter.push(level)
        if now in cuts:
            found += segmenter.cut()
    return found + list(segmenter.finish())


def test_a_cut_closes_what_is_open():
    """Speech that goes on is another segment, which has nothing of the first."""
    levels = [LEVELS[sign] for sign in "....##########" + "." * 12]
    first, second = closed(cut_at(levels, {9}))
    assert (first, second) == (Closed(2, 9, ((4, 9),)), Closed(9, 16, ((9, 14),)))


def test_a_cut_in_a_pause_takes_the_silence_so_far_by_halves():
    """As of any other end of a segment; without an open one nothing happens."""
    levels = [LEVELS[sign] for sign in "####....####" + "." * 12]
    assert closed(cut_at(levels, {6})) == [Closed(0, 5, ((0, 4),)), Closed(6, 14, ((8, 12),))]
    assert cut_at([0.0] * 9, {0, 3, 9}) == []
    assert cut_at(levels, {24}) == cut_at(levels, ())


def test_speech_that_has_hardly_begun_is_left_to_the_next_segment():
    """A run that may yet be a click is not cut."""
    levels = [LEVELS[sign] for sign in "####.....####" + "." * 12]
    (first, second) = closed(cut_at(levels, {11}))
    assert (first.runs, second.runs) == (((0, 4),), ((9, 13),))


def test_faint_speech_goes_on_behind_a_cut():
    """What does not end speech does not have to begin it anew."""
    levels = [LEVELS[sign] for sign in "#####.----" + "." * 12]
    assert [segment.runs for segment in closed(cut_at(levels, {6}))] == [((0, 5),), ((6, 10),)]


levels = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.95]), max_size=200)
cuttings = st.builds(
    VadParameters,
    shortest=st.integers(1, 6),
    hangover=st.integers(1, 12),
    join=st.integers(1, 30),
    longest=st.integers(20, 60),
    padding=st.integers(0, 9),
)


@given(levels, cuttings)
def test_marks_alternate_in_order(probabilities, cutting):
    """Each segment is announced, then given; none overlaps another; all are short enough."""
    found = marks(probabilities, cutting)
    assert [type(mark) for mark in found] == [Opened, Closed] * (len(found) // 2)
    for opened, given_ in zip(found[::2], found[1::2], strict=True):
        assert isinstance(given_, Closed)
        assert opened.start == given_.start <= given_.runs[0][0]
        assert given_.runs[-1][1] <= given_.end
        assert given_.runs[-1][1] - given_.runs[0][0] <= cutting.longest
        assert all(after[0] - before[1] <= cutting.join for before, after in pairwise(given_.runs))
    for before, after in pairwise(closed(found)):
        assert before.end <= after.start


@given(levels, cuttings)
def test_runs_are_those_of_the_whole_recording(probabilities, cutting):
    """Bit by bit the same speech is found as in one look at the whole recording."""
    hangover = min(cutting.hangover, cutting.join)
    found, at = set(), 0
    while at < len(probabilities):
        start = at
        at += 1
        if probabilities[start] < cutting.on:
            continue
        end = at
        while at < len(probabilities) and at - end < hangover:
            at += 1
            end = at if probabilities[at - 1] >= cutting.off else end
        if end - start >= cutting.shortest:
            found |= set(range(start, end))
    runs = [run for segment in closed(marks(probabilities, cutting)) for run in segment.runs]
    assert {frame for run in runs for frame in range(*run)} == found


@given(levels, cuttings)
def test_audio_that_is_let_go_is_never_wanted(probabilities, cutting):
    """No segment reaches back before what was said to be needed, and little is kept."""
    segmenter, needed = Segmenter(cutting), 0
    for now, level in enumerate(probabilities, 1):
        for mark in segmenter.push(level):
            assert mark.start >= needed
        assert segmenter.needed >= needed
        needed = segmenter.needed
        kept = cutting.longest + cutting.join + cutting.hangover + cutting.shortest
        assert now - needed <= kept + 2 * cutting.padding + 2
    assert all(mark.start >= needed for mark in segmenter.finish())


@given(levels, cuttings, st.sets(st.integers(1, 200)))
def test_cuts_lose_no_speech(probabilities, cutting, cuts):
    """Wherever it is cut: in order, without overlap, and nothing goes but a click behind a cut."""
    found = cut_at(probabilities, cuts, cutting)
    assert [type(mark) for mark in found] == [Opened, Closed] * (len(found) // 2)
    for before, after in pairwise(closed(found)):
        assert before.end <= after.start
    for opened, given_ in zip(found[::2], found[1::2], strict=True):
        assert opened.start == given_.start <= given_.runs[0][0]

    def spoken(found) -> set[int]:
        runs = [run for segment in closed(found) for run in segment.runs]
        return {
            frame for run in runs for frame in range(*run) if probabilities[frame] >= cutting.off
        }

    lost = spoken(marks(probabilities, cutting)) - spoken(found)
    assert len(lost) <= len(cuts) * (cutting.shortest - 1)


@given(levels, cuttings, st.sets(st.integers(1, 200)))
def test_what_is_let_go_is_never_wanted_after_a_cut(probabilities, cutting, cuts):
    """No segment reaches back before what was said to be needed."""
    segmenter, needed = Segmenter(cutting), 0
    for now, level in enumerate(probabilities, 1):
        found = [*segmenter.push(level), *(segmenter.cut() if now in cuts else ())]
        assert all(mark.start >= needed for mark in found)
        assert segmenter.needed >= needed
        needed = segmenter.needed
    assert all(mark.start >= needed for mark in segmenter.finish())
