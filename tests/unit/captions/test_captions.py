from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._captions.formats import csv_text, srt, txt, vtt
from azstt._captions.layout import Limits
from azstt._errors import ConfigurationError
from azstt._result import Segment, Word
from azstt._transcript import Transcript
from azstt._words.times import spread_words

USUAL = Limits(max_chars=42, max_lines=2, max_seconds=7.0)


@dataclass
class ParsedCaption:
    start: float
    end: float
    lines: list[str]
    speaker: str | None = None


def seconds(text):
    """Parse a timestamp."""
    hours, minutes, rest = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def parse_srt(text):
    """Parse SubRip as players do: blocks between blank lines, each with number, times, lines."""
    captions = []
    for number, block in enumerate((b for b in text.split("\n\n") if b), start=1):
        index, times, *lines = block.rstrip("\n").split("\n")
        assert int(index) == number
        found = re.fullmatch(r"(\d{2,}:\d\d:\d\d,\d{3}) --> (\d{2,}:\d\d:\d\d,\d{3})", times)
        assert found
        start, end = (seconds(mark.replace(",", ".")) for mark in found.groups())
        captions.append(ParsedCaption(start, end, lines))
    return captions


def parse_vtt(text):
    """Parse WebVTT: a header, then blocks of times and lines, perhaps in a voice tag."""
    header, *blocks = text.split("\n\n")
    assert header.rstrip("\n") == "WEBVTT"
    captions = []
    for block in blocks:
        times, *lines = block.rstrip("\n").split("\n")
        found = re.fullmatch(r"(\d{2,}:\d\d:\d\d\.\d{3}) --> (\d{2,}:\d\d:\d\d\.\d{3})", times)
        assert found
        body = "\n".join(lines)
        assert "-->" not in body
        voice = re.fullmatch(r"<v ([^>\n]+)>([^<]*)</v>", body)
        speaker, body = voice.groups() if voice else (None, body)
        assert "<" not in body
        start, end = map(seconds, found.groups())
        name = unescape(speaker) if speaker else None
        captions.append(ParsedCaption(start, end, unescape(body).split("\n"), name))
    return captions


def spoken(text, start=0.0, end=5.0, **fields):
    """Make a segment whose words are spread over its time."""
    words = spread_words(text.split(), start, end)
    return Segment(text=text, start=start, end=end, words=words, **fields)


def timed(*words):
    """Make a segment of words given as (text, start, end)."""
    return Segment(
        text=" ".join(text for text, _, _ in words),
        start=words[0][1],
        end=words[-1][2],
        words=tuple(Word(text=text, start=start, end=end) for text, start, end in words),
    )


def lines_of(*segments, limits=USUAL):
    """Return the lines of each caption."""
    return [caption.lines for caption in parse_vtt(vtt(segments, limits))]


# -- formats


def test_srt_exactly():
    """SubRip numbers its captions, writes a decimal comma and ends lines with LF."""
    text = srt([spoken("Hello there.", 0, 1.5), spoken("Bye now.", 3661.25, 3662.5)], USUAL)
    assert text == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n"
        "2\n01:01:01,250 --> 01:01:02,500\nBye now.\n"
    )


def test_vtt_exactly():
    """WebVTT has a header, and the speaker in a voice tag."""
    text = vtt([spoken("Hello there.", 0, 1.5, speaker="Guest-1")], USUAL)
    assert text == "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n<v Guest-1>Hello there.</v>\n"


def test_empty_files_are_valid():
    """Without speech the files are as empty as their formats allow."""
    nothing = [Segment(text=" \n", start=0, end=1)]
    for segments in ([], nothing):
        assert srt(segments, USUAL) == ""
        assert vtt(segments, USUAL) == "WEBVTT\n"
        assert txt(segments) == ""
    assert csv_text([]) == "start,end,speaker,language,confidence,text,channel\r\n"


def test_speech_at_zero_is_kept():
    """A word at the very beginning of the audio has a caption."""
    assert parse_srt(srt([timed(("Now.", 0.0, 0.4))], USUAL))[0].start == 0.0


def test_srt_names_a_speaker_on_change():
    """SubRip names the speaker where the speaker changes, and only there."""
    segments = [
        spoken("One.", 0, 1, speaker="Ann"),
        spoken("Two.", 1, 2, speaker="Ann"),
        spoken("Three.", 2, 3, speaker="Ben"),
        spoken("Four.", 3, 4),
        spoken("Five.", 4, 5, speaker="Ben"),
    ]
    captions = parse_srt(srt(segments, USUAL))
    assert [c.lines for c in captions] == [
        ["Ann: One."],
        ["Two."],
        ["Ben: Three."],
        ["Four."],
        ["Ben: Five."],
    ]


def test_srt_makes_room_for_the_name():
    """A speaker's name counts toward the width of its line."""
    text = "It was the best of times and it was the worst of times, as they say."
    captions = parse_srt(srt([spoken(text, speaker="The narrator")], USUAL))
    assert captions[0].lines[0].startswith("The narrator: It")
    assert all(len(line) <= 42 for caption in captions for line in caption.lines)


def test_vtt_escapes():
    """Markup in a text or a name is shown, not interpreted."""
    text = vtt([spoken("a <b> & c --> d", speaker="R&D <x>\n--> y")], USUAL)
    assert "<v R&amp;D &lt;x&gt; --&gt; y>a &lt;b&gt; &amp; c --&gt; d</v>" in text
    assert parse_vtt(text)[0].lines == ["a <b> & c --> d"]


def test_srt_text_cannot_break_the_file():
    """Arrows and blank lines in a text can't be mistaken for the file's own."""
    captions = parse_srt(srt([spoken("one\n\n2\n00:00:00,000 --> 00:00:01,000\ntwo")], USUAL))
    assert len(captions) == 1
    assert " ".join(captions[0].lines) == "one 2 00:00:00,000 → 00:00:01,000 two"


def test_txt():
    """Plain text has a line for each segment, with the name of the speaker if there is one."""
    segments = [spoken("One\n\ntwo.", speaker="Ann"), spoken("Three.")]
    assert txt(segments) == "Ann: One two.\nThree.\n"


def test_csv_reads_back():
    """CSV keeps quotes, commas and line breaks, and leaves unknown values empty."""
    segments = [
        Segment(text='He said "hi",\nthen left', start=0.0004, end=1.5, confidence=0.5),
        Segment(text="Sí", start=2, end=3, speaker="Ann", language="es-ES", channel=1),
    ]
    text = csv_text(segments)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.count("\r\n") == 3
    assert rows == [
        {
            "start": "0.000",
            "end": "1.500",
            "speaker": "",
            "language": "",
            "confidence": "0.5",
            "text": 'He said "hi",\nthen left',
            "channel": "",
        },
        {
            "start": "2.000",
            "end": "3.000",
            "speaker": "Ann",
            "language": "es-ES",
            "confidence": "",
            "text": "Sí",
            "channel": "1",
        },
    ]


# -- where captions and lines end


def test_breaks_after_sentences_then_clauses():
    """A long utterance is divided where its sentences and clauses end."""
    text = (
        "We looked at the numbers again this morning with Dr. Smith and her team. "
        "They were not what we had hoped for, but they were far better than last year, "
        "when nothing worked."
    )
    joined = [" ".join(lines) for lines in lines_of(spoken(text, 0, 12))]
    assert joined == [
        "We looked at the numbers again this morning with Dr. Smith and her team.",
        "They were not what we had hoped for,",
        "but they were far better than last year, when nothing worked.",
    ]


def test_breaks_at_pauses():
    """Without punctuation a caption ends where the speaker pauses."""
    words = [f"word{n}" for n in range(16)]
    segment = timed(
        *(
            (text, n * 0.5 + (0.45 if n >= 7 else 0), n * 0.5 + 0.5 + (0.45 if n >= 7 else 0))
            for n, text in enumerate(words)
        )
    )
    first, second = parse_srt(srt([segment], USUAL))
    assert " ".join(first.lines).split() == words[:7]
    assert (first.end, second.start) == (3.5, 3.95)


def test_silence_clears_the_screen():
    """Words after seconds of silence are not shown before they are spoken."""
    first, second = parse_srt(srt([timed(("Well", 0, 1.2), ("then", 5.0, 6.2))], USUAL))
    assert (first.start, first.end) == (0.0, 1.2)
    assert (second.start, second.end) == (5.0, 6.2)


def test_lines_are_balanced():
    """Two lines are of about equal length, and no word has a line to itself."""
    (lines,) = lines_of(spoken("these are the nine words that make a balanced pair"))
    assert lines == ["these are the nine words", "that make a balanced pair"]


def test_no_orphans():
    """A word too many for one caption does not get a caption to itself."""
    text = " ".join(["seven"] * 15)  # 14 words fill two lines of 42
    assert [len(" ".join(lines).split()) for lines in lines_of(spoken(text, 0, 7))] == [7, 8]


def test_long_speech_is_divided_at_max_seconds():
    """No caption stays longer than the limit, whether the words are many or slow."""
    slow = timed(*((f"w{n}", n * 2.0, n * 2.0 + 2.0) for n in range(9)))
    for segments in ([slow], [Segment(text="Hm.", start=0, end=60)]):
        for caption in parse_srt(srt(segments, USUAL)):
            assert caption.end - caption.start <= 7.0


def test_times_by_length_without_words():
    """A segment without words is timed in proportion to its letters."""
    segment = Segment(text="aaaa bbbb. cccc dddd.", start=10, end=31)
    limits = Limits(max_chars=10, max_lines=1, max_seconds=30)
    first, second = parse_srt(srt([segment], limits))
    assert (first.start, first.end) == (10.0, 20.0)
    assert (second.start, second.end) == (21.0, 31.0)


def test_words_without_punctuation_are_found_in_the_text():
    """Word times are used even if the text has punctuation that the words lack."""
    words = (Word(text="yes", start=0, end=1), Word(text="no", start=1.8, end=2.8))
    segment = Segment(text="«yes», «no»!", start=0, end=4, words=words)
    limits = Limits(max_chars=6, max_lines=1, max_seconds=7)
    first, second = parse_srt(srt([segment], limits))
    assert (first.lines, first.start, first.end) == (["«yes»,"], 0.0, 1.0)
    assert second.lines == ["«no»!"]
    assert second.end == 2.8


def test_known_offsets_time_the_words_that_there_are():
    """Where the recognizer says which words it timed, the others share the rest of the time."""
    word = Word(text="no", start=4.0, end=5.0, text_offset=13)
    segment = Segment(text="oh no, never no.", start=0, end=5, words=(word,))
    limits = Limits(max_chars=12, max_lines=1, max_seconds=7)
    first, second = parse_srt(srt([segment], limits))
    assert (first.lines, second.lines) == (["oh no,"], ["never no."])
    assert second.start == pytest.approx(4.0 * 7 / 13, abs=0.001)
    assert second.end == 5.0


@pytest.mark.parametrize("words", [("twenty", "five"), ("25",), ("25", "cats")])
def test_words_that_differ_from_the_text_are_not_used(words):
    """If words and text disagree, the text is shown, timed by its length."""
    segment = Segment(text="25 dogs", start=0, end=7, words=spread_words(words, 0, 3))
    (caption,) = parse_srt(srt([segment], USUAL))
    assert (caption.lines, caption.start, caption.end) == (["25 dogs"], 0.0, 7.0)


@pytest.mark.parametrize(
    "text",
    [
        "アメリカ国民の皆さん、国ではなく、あなたに何ができるかを「問うて」ください。Azureでね。",
        "การแปลงเสียงพูดเป็นข้อความเป็นเทคโนโลยีที่น่าสนใจมากและถูกใช้งานในหลายอุตสาหกรรมทั่วโลก",
        "ការបកប្រែសំឡេងនិយាយទៅជាអត្ថបទគឺជាបច្ចេកវិទ្យាដ៏គួរឱ្យចាប់អារម្មណ៍មួយសម្រាប់យើង",
    ],
    ids=["Japanese", "Thai", "Khmer"],
)
def test_text_without_spaces_wraps(text):
    """Text in scripts without spaces fills its lines, and no line begins with a wrong sign."""
    limits = Limits(max_chars=24, max_lines=2, max_seconds=7)
    lines = list(itertools.chain(*lines_of(Segment(text=text, start=0, end=30), limits=limits)))
    assert "".join(lines) == text
    assert len(lines) >= 4
    for line in lines:
        assert line[0] not in "。、」ーっょะาำ" + "\u17b6\u17d2\u17c1\u0e31\u0e34\u0e48"
        assert line[-1] not in "「เแโใไ\u17d2"
        assert sum(1 + ("\u3000" < letter < "\ua000") for letter in line) <= 24


def test_words_guide_breaks_in_text_without_spaces():
    """If the recognizer reports Japanese words, lines end between them."""
    parts = ["今日", "の", "天気", "は", "とても", "良い", "です", "。"]
    segment = Segment(
        text="".join(parts), start=0, end=4, words=spread_words(parts, 0, 4), language="ja-JP"
    )
    limits = Limits(max_chars=16, max_lines=2, max_seconds=7)
    (lines,) = lines_of(segment, limits=limits)
    edges = set(itertools.accumulate(len(part) for part in parts))
    assert len(lines[0]) in edges
    assert "".join(lines) == segment.text


def test_a_word_wider_than_the_line_has_a_line_of_its_own():
    """A long word is never split; it alone may exceed the limit."""
    long = "Donaudampfschifffahrtsgesellschaftskapitän"
    limits = Limits(max_chars=12, max_lines=2, max_seconds=7)
    lines = list(itertools.chain(*lines_of(spoken(f"der {long} kam"), limits=limits)))
    assert lines == ["der", long, "kam"]


# -- captions one after another


def test_short_captions_stay_if_there_is_room():
    """A short word stays for a second, or until the next caption."""
    segments = [timed(("Yes.", 0, 0.2)), timed(("No.", 0.5, 0.7)), timed(("Maybe.", 9, 9.1))]
    times = [(c.start, c.end) for c in parse_srt(srt(segments, USUAL))]
    assert times == [(0.0, 0.5), (0.5, 1.5), (9.0, 10.0)]


def test_people_who_speak_at_once_take_turns():
    """Two overlapping segments are both readable, and neither covers the other."""
    segments = [spoken("I was saying.", 1, 4, speaker="A"), spoken("No!", 1.2, 3, speaker="B")]
    times = [(c.start, c.end) for c in parse_srt(srt(segments, USUAL))]
    assert times == [(1.0, 2.0), (2.0, 3.0)]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_chars": 0}, "max_chars should be greater than or equal to 1, not 0"),
        ({"max_lines": 0}, "max_lines should be greater than or equal to 1, not 0"),
        ({"max_seconds": 0.0}, "max_seconds should be greater than or equal to 0.1, not 0.0"),
        (
            {"max_seconds": float("nan")},
            "max_seconds should be greater than or equal to 0.1, not nan",
        ),
    ],
)
def test_impossible_limits_are_refused(limits, message):
    """A limit that is too small is an error that names it and its value."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Limits(**limits)


# -- properties

TOKENS = st.one_of(
    st.text("abcdeABC.,!?'-&<>", min_size=1, max_size=12),
    st.text("今日の天気ーょ「」。、", min_size=1, max_size=6),
    st.sampled_from(["-->", "<v", "&amp;", "WEBVTT", "1", "Dr.", "naïve", "กำลังเดิน", "한국어"]),
)
NAMES = st.sampled_from([None, "", "Ann", "R&D <b>", "Guest-2"])
LIMITS = st.builds(
    Limits,
    max_chars=st.integers(12, 60),
    max_lines=st.integers(1, 3),
    max_seconds=st.floats(0.1, 10),
)


@st.composite
def segments(draw, *, overlap=False):
    """Make segments with words, without words, or with words that differ from the text."""
    made, at = [], draw(st.floats(0, 5))
    for _ in range(draw(st.integers(0, 4))):
        texts = draw(st.lists(TOKENS, max_size=25))
        end = at + draw(st.floats(0, 30))
        kept = texts if draw(st.booleans()) else draw(st.sampled_from([[], ["other"]]))
        glue = draw(st.sampled_from([" ", "\n\n", "  "]))
        words = spread_words(kept, at, end)
        made.append(
            Segment(text=glue.join(texts), start=at, end=end, words=words, speaker=draw(NAMES))
        )
        at = draw(st.floats(0, end)) if overlap else end + draw(st.floats(0, 3))
    return made


def bare(text):
    """Remove white space, and replace what SubRip can't contain."""
    return "".join(text.split()).replace("-->", "→")


def tokens(found):
    """Return the words of segments."""
    return [token for segment in found for token in segment.text.split()]


def texts_in_srt(text, found):
    """Return the text of each caption of a SubRip file without the speakers' names."""
    names = {" ".join(segment.speaker.split()) for segment in found if segment.speaker}
    texts = []
    for caption in parse_srt(text):
        body = " ".join(caption.lines)
        name = next((name for name in names if body.startswith(f"{name}: ")), None)
        texts.append(body.removeprefix(f"{name}: ") if name else body)
    return texts


@given(segments(), LIMITS)
def test_every_word_once_and_in_order(found, limits):
    """Captions contain every word once and in order."""
    whole = bare("".join(tokens(found)))
    assert bare("".join(texts_in_srt(srt(found, limits), found))) == whole
    captions = parse_vtt(vtt(found, limits))
    assert bare("".join("".join(caption.lines) for caption in captions)) == whole


@given(st.lists(st.text("abc.,", min_size=1, max_size=12), max_size=60), LIMITS)
def test_words_with_spaces_stay_whole(words, limits):
    """In scripts with spaces every word is whole and on one line."""
    found = [spoken(" ".join(words), 0, 20)]
    lines = itertools.chain(*(caption.lines for caption in parse_vtt(vtt(found, limits))))
    assert [word for line in lines for word in line.split(" ")] == words


@given(segments(overlap=True), LIMITS)
def test_captions_are_in_order_and_never_overlap(found, limits):
    """Each caption has a duration within the limit and begins after the previous one ends."""
    for captions in (parse_srt(srt(found, limits)), parse_vtt(vtt(found, limits))):
        for caption in captions:
            length = round(caption.end * 1000) - round(caption.start * 1000)
            assert 0 < length <= max(1, round(limits.max_seconds * 1000))
        for earlier, later in itertools.pairwise(captions):
            assert earlier.end <= later.start


@given(segments(overlap=True), LIMITS)
def test_overlapping_speech_loses_nothing(found, limits):
    """The words of people who talk over each other are all shown."""
    captions = parse_vtt(vtt(found, limits))
    assert sorted(bare("".join(t for c in captions for t in c.lines))) == sorted(
        bare("".join(tokens(found)))
    )


@given(segments(), LIMITS)
def test_limits_hold(found, limits):
    """Lines and captions keep their limits, except for a single word that can't be split."""
    for captions in (parse_srt(srt(found, limits)), parse_vtt(vtt(found, limits))):
        for caption in captions:
            assert 1 <= len(caption.lines) <= limits.max_lines
            for line in caption.lines:
                bare_line = re.sub(r"^(Ann|R&D <b>|Guest-2): ", "", line)
                assert len(line) <= limits.max_chars or " " not in bare_line


def test_separate_channels_are_named():
    """Text and captions say which channel speaks, and who in it if the speakers are known."""
    said = (
        Segment(text="Hello.", start=0, end=1, channel=0),
        Segment(text="Good day.", start=1, end=2, channel=1, speaker="Guest-1"),
    )
    transcript = Transcript(backend="", segments=said)
    assert transcript.to_txt() == "Channel 0: Hello.\nChannel 1, Guest-1: Good day.\n"
    assert "\nChannel 1, Guest-1: Good day.\n" in transcript.to_srt()
    assert "<v Channel 0>Hello.</v>" in transcript.to_vtt()
    assert transcript.text == "Hello. Good day."
