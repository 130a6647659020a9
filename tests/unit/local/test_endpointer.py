from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from azstt.backends.local._endpointer import (
    Endpointer,
    SegmentBoundary,
    SegmentClosed,
    SegmentOpened,
    VadParameters,
    frames,
    seconds,
)

LEVELS = {".": 0.0, "-": 0.4, "#": 0.9}
SMALL = VadParameters(min_speech=3, hangover=4, min_silence=8, max_speech=20, speech_pad=2)


def boundaries(probabilities, vad=SMALL) -> list[SegmentBoundary]:
    """Cut a whole recording."""
    endpointer = Endpointer(vad)
    found = [boundary for level in probabilities for boundary in endpointer.push(level)]
    return found + list(endpointer.finish())


def drawn(picture: str, vad=SMALL) -> list[SegmentBoundary]:
    """Cut a recording that is drawn, one character per frame."""
    return boundaries([LEVELS[sign] for sign in picture], vad)


def closed(found: list[SegmentBoundary]) -> list[SegmentClosed]:
    """Return the segments."""
    return [boundary for boundary in found if isinstance(boundary, SegmentClosed)]


def test_seconds_and_frames():
    """A frame is 512 samples at 16 kHz: 32 ms."""
    assert seconds(frames(1.6)) == 1.6
    assert seconds(1) == 0.032


def test_silence_has_no_segments():
    """Silence is never cut into segments."""
    assert drawn("." * 50) == []
    assert drawn("") == []


def test_speech_is_padded():
    """A segment includes a little of the silence around it."""
    assert drawn("....#####" + "." * 12) == [SegmentOpened(2), SegmentClosed(2, 11, ((4, 9),))]


def test_speech_at_the_edges():
    """Speech from the first frame to the last is one segment."""
    assert drawn("#####") == [SegmentOpened(0), SegmentClosed(0, 7, ((0, 5),))]


def test_click_is_not_speech():
    """A run of a frame or two is dropped, wherever it is."""
    assert drawn("...##....") == []
    assert drawn("...##") == []
    assert drawn("#####.....##........") == drawn("#####...............")


def test_hysteresis():
    """Speech too faint to begin a run does not end one either."""
    assert drawn("-----") == []
    assert drawn("..###------###" + "." * 12) == [
        SegmentOpened(0),
        SegmentClosed(0, 16, ((2, 14),)),
    ]


def test_short_pause_is_bridged():
    """Two runs with a short pause between them are one segment of two runs."""
    assert closed(drawn("####.....####.........")) == [SegmentClosed(0, 15, ((0, 4), (9, 13)))]


def test_long_pause_cuts():
    """A pause longer than min_silence cuts; each side takes at most half of it as padding."""
    first, second = closed(drawn("####.........####........."))
    assert (first.runs, second.runs) == (((0, 4),), ((13, 17),))
    assert first.end <= second.start


def test_segment_ends_while_it_is_silent():
    """A segment is closed as soon as the silence after it is longer than min_silence."""
    endpointer = Endpointer(SMALL)
    found = [list(endpointer.push(LEVELS[sign])) for sign in "####........."]
    assert [len(boundaries) for boundaries in found] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_pause_shorter_than_the_hangover():
    """A caller may ask for a pause that is shorter than the hangover."""
    hasty = VadParameters(min_speech=3, hangover=8, min_silence=3, max_speech=20, speech_pad=2)
    assert len(closed(drawn("####....####....", hasty))) == 2


def test_bridged_segment_never_grows_too_long():
    """A run that would make the segment too long opens another one."""
    first, second = closed(drawn("########....########....########"))
    assert (first.runs, second.runs) == (((0, 8), (12, 20)), ((24, 32),))


def test_endless_speech_is_split_at_its_faintest():
    """Speech without a pause is split in its second half, where speech is least likely."""
    first, second = closed(drawn("#" * 15 + "-" + "#" * 14))
    assert (first, second) == (SegmentClosed(0, 15, ((0, 15),)), SegmentClosed(15, 32, ((15, 30),)))


def cut_at(probabilities, cuts, vad=SMALL) -> list[SegmentBoundary]:
    """Cut a whole recording, and also after each of these numbers of frames."""
    endpointer, found = Endpointer(vad), []
    for now, level in enumerate(probabilities, 1):
        found += endpointer.push(level)
        if now in cuts:
            found += endpointer.cut()
    return found + list(endpointer.finish())


def test_a_cut_closes_what_is_open():
    """Speech that continues is another segment, which shares nothing with the first."""
    levels = [LEVELS[sign] for sign in "....##########" + "." * 12]
    first, second = closed(cut_at(levels, {9}))
    assert (first, second) == (SegmentClosed(2, 9, ((4, 9),)), SegmentClosed(9, 16, ((9, 14),)))


def test_a_cut_in_a_pause_takes_half_of_the_silence_so_far():
    """A cut pads like any other end of a segment; without an open segment it does nothing."""
    levels = [LEVELS[sign] for sign in "####....####" + "." * 12]
    assert closed(cut_at(levels, {6})) == [
        SegmentClosed(0, 5, ((0, 4),)),
        SegmentClosed(6, 14, ((8, 12),)),
    ]
    assert cut_at([0.0] * 9, {0, 3, 9}) == []
    assert cut_at(levels, {24}) == cut_at(levels, ())


def test_speech_that_has_hardly_begun_is_left_to_the_next_segment():
    """A run that may yet be a click is not cut."""
    levels = [LEVELS[sign] for sign in "####.....####" + "." * 12]
    (first, second) = closed(cut_at(levels, {11}))
    assert (first.runs, second.runs) == (((0, 4),), ((9, 13),))


def test_faint_speech_continues_after_a_cut():
    """Speech too faint to begin a run continues after a cut."""
    levels = [LEVELS[sign] for sign in "#####.----" + "." * 12]
    assert [segment.runs for segment in closed(cut_at(levels, {6}))] == [((0, 5),), ((6, 10),)]


levels = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.95]), max_size=200)
parameters = st.builds(
    VadParameters,
    min_speech=st.integers(1, 6),
    hangover=st.integers(1, 12),
    min_silence=st.integers(1, 30),
    max_speech=st.integers(20, 60),
    speech_pad=st.integers(0, 9),
)


@given(levels, parameters)
def test_boundaries_alternate_in_order(probabilities, vad):
    """Each segment opens, then closes; none overlaps another; all are short enough."""
    found = boundaries(probabilities, vad)
    assert [type(boundary) for boundary in found] == [SegmentOpened, SegmentClosed] * (
        len(found) // 2
    )
    for opened, complete in zip(found[::2], found[1::2], strict=True):
        assert isinstance(complete, SegmentClosed)
        assert opened.start == complete.start <= complete.runs[0][0]
        assert complete.runs[-1][1] <= complete.end
        assert complete.runs[-1][1] - complete.runs[0][0] <= vad.max_speech
        assert all(
            after[0] - before[1] <= vad.min_silence for before, after in pairwise(complete.runs)
        )
    for before, after in pairwise(closed(found)):
        assert before.end <= after.start


@given(levels, parameters)
def test_runs_are_those_of_the_whole_recording(probabilities, vad):
    """Frame by frame, the same speech is found as in the whole recording at once."""
    hangover = min(vad.hangover, vad.min_silence)
    found, at = set(), 0
    while at < len(probabilities):
        start = at
        at += 1
        if probabilities[start] < vad.threshold:
            continue
        end = at
        while at < len(probabilities) and at - end < hangover:
            at += 1
            end = at if probabilities[at - 1] >= vad.neg_threshold else end
        if end - start >= vad.min_speech:
            found |= set(range(start, end))
    runs = [run for segment in closed(boundaries(probabilities, vad)) for run in segment.runs]
    assert {frame for run in runs for frame in range(*run)} == found


@given(levels, parameters)
def test_discarded_audio_is_never_needed(probabilities, vad):
    """No segment starts before the audio that was kept, and little is kept."""
    endpointer, needed = Endpointer(vad), 0
    for now, level in enumerate(probabilities, 1):
        for boundary in endpointer.push(level):
            assert boundary.start >= needed
        assert endpointer.needed >= needed
        needed = endpointer.needed
        kept = vad.max_speech + vad.min_silence + vad.hangover + vad.min_speech
        assert now - needed <= kept + 2 * vad.speech_pad + 2
    assert all(boundary.start >= needed for boundary in endpointer.finish())


@given(levels, parameters, st.sets(st.integers(1, 200)))
def test_cuts_lose_no_speech(probabilities, vad, cuts):
    """Segments stay in order and apart wherever they are cut; only clicks after a cut are lost."""
    found = cut_at(probabilities, cuts, vad)
    assert [type(boundary) for boundary in found] == [SegmentOpened, SegmentClosed] * (
        len(found) // 2
    )
    for before, after in pairwise(closed(found)):
        assert before.end <= after.start
    for opened, complete in zip(found[::2], found[1::2], strict=True):
        assert opened.start == complete.start <= complete.runs[0][0]

    def spoken(found) -> set[int]:
        runs = [run for segment in closed(found) for run in segment.runs]
        return {
            frame
            for run in runs
            for frame in range(*run)
            if probabilities[frame] >= vad.neg_threshold
        }

    lost = spoken(boundaries(probabilities, vad)) - spoken(found)
    assert len(lost) <= len(cuts) * (vad.min_speech - 1)


@given(levels, parameters, st.sets(st.integers(1, 200)))
def test_discarded_audio_is_never_needed_after_a_cut(probabilities, vad, cuts):
    """No segment starts before the audio that was kept."""
    endpointer, needed = Endpointer(vad), 0
    for now, level in enumerate(probabilities, 1):
        found = [*endpointer.push(level), *(endpointer.cut() if now in cuts else ())]
        assert all(boundary.start >= needed for boundary in found)
        assert endpointer.needed >= needed
        needed = endpointer.needed
    assert all(boundary.start >= needed for boundary in endpointer.finish())
