from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats.containers import HEAD_SIZE, can_be, container_of, is_tagged

#: The containers of the files in tests/audio/containers, if a live decoder knows them.
KNOWN = {
    "aac.m4a": "mp4",
    "aac_adts.aac": "aac",
    "aac_faststart.m4a": "mp4",
    "adpcm_ima.wav": "wav",
    "alac_8k.m4a": "mp4",
    "alaw_8k.wav": "wav",
    "amr_nb.3gp": "mp4",
    "flac.flac": "flac",
    "h264_aac.mp4": "mp4",
    "h264_mp3.mkv": "webm",
    "mpeg4_alaw.mov": "mp4",
    "mulaw_8k.wav": "wav",
    "opus.mka": "webm",
    "opus.ogg": "ogg",
    "opus.webm": "webm",
    "pcm_f32_8k.wav": "wav",
    "pcm_s16_16k.wav": "wav",
    "pcm_s16_48k_stereo.wav": "wav",
    "pcm_s24_8k.wav": "wav",
    "vorbis.ogg": "ogg",
    "vp8_opus.webm": "webm",
}


def test_containers_are_detected_by_their_first_bytes(audio):
    """Twelve bytes identify every container that may be declared, and no other file as one."""
    for path in (audio / "containers").iterdir():
        if path.suffix == ".txt":
            continue
        head = path.read_bytes()[:HEAD_SIZE]
        assert container_of(head) == KNOWN.get(path.name), path.name
        assert is_tagged(head) is (path.name == "mp3.mp3")
        assert can_be("auto", head)
        if path.name in KNOWN:
            assert can_be(KNOWN[path.name], head)
            others = {"webm", "ogg", "mp4", "mp3", "aac", "flac", "wav"} - {KNOWN[path.name]}
            assert not any(can_be(other, head) for other in others)


@pytest.mark.parametrize(
    ("head", "possible"),
    [
        (b"ID3\x04\0\0\0\0\0\x23\xff\xfb", {"mp3", "aac", "flac"}),
        (b"\x12\x34\x56\x78" * 3, {"mp3", "aac"}),  # the middle of a frame
        (b"\x89PNG\r\n\x1a\n" * 2, set()),
        (b"<!doctype html>", set()),
        (b"\xff\xfb\x90\x64" * 3, {"mp3"}),
        (b"\xff\xfd\x90\x04" * 3, {"mp3", "aac"}),
        (b"RF64\xff\xff\xff\xffWAVE", {"wav"}),
        (b"RIFF\xff\xff\xff\xffAVI ", set()),
        (b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7, {"mp3", "aac"}),  # WebM without its header
        (b"", {"mp3", "aac"}),
    ],
)
def test_what_a_stream_can_be(head, possible):
    """The declared container is checked against the first bytes; frames may begin midway."""
    kinds = ("webm", "ogg", "mp4", "mp3", "aac", "flac", "wav")
    assert {kind for kind in kinds if can_be(kind, head)} == possible


@given(st.binary(max_size=16))
def test_any_bytes_have_an_answer(head):
    """Detection works for any bytes."""
    assert can_be("auto", head)
    assert container_of(head) in {None, "webm", "ogg", "mp4", "mp3", "aac", "flac", "wav"}
