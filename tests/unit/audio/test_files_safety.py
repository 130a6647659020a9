"""Nothing but the source itself is ever opened.

Each bait refers to another file or to a local server. The file contains a tone, which would show
up in the samples; the server counts its connections.
"""

from __future__ import annotations

import array
import contextlib
import io
import math
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
from av.error import FFmpegError

from azstt._audio import open_audio
from azstt._audio.files.amovie import decode_file
from azstt._audio.report import TrackInfo
from azstt._audio.resample import Target
from azstt._audio_format import AudioFormat
from azstt._errors import AudioError

RATE = 16_000


class Listener:
    """A server on loopback that only counts connections."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                self.calls += 1
                caller.close()

    def close(self) -> None:
        """Stop, after the last connection was counted."""
        before = self.calls
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        while self.calls == before:
            pass
        self.calls -= 1
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server that must not be connected to."""
    server = Listener()
    yield server
    server.close()
    assert server.calls == 0


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that nothing may open, in every format that a bait may refer to."""
    folder = tmp_path_factory.mktemp("secrets")
    samples = array.array(
        "h", (round(20_000 * math.sin(i * math.tau * 440 / RATE)) for i in range(RATE))
    )
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    for suffix in ("wav", "mp3", "ts", "sub", "mkv"):
        form = ["-f", "mpegts"] if suffix == "ts" else ["-f", "wav"] if suffix == "sub" else []
        raw = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-"]
        subprocess.run(
            [ffmpeg, "-v", "error", "-y", *raw, *form, str(folder / f"secret.{suffix}")],
            input=samples.tobytes(),
            check=True,
        )
    return folder


@pytest.fixture
def secret(secrets: Path, tmp_path: Path) -> Path:
    """One of them, in a folder of its own with the others."""
    shutil.copytree(secrets, tmp_path, dirs_exist_ok=True)
    return tmp_path / "secret.wav"


def baits(secret: Path, port: int) -> dict[str, bytes]:
    """Return contents that refer to the secret or the listener, by format."""
    folder, http = secret.parent, f"http://127.0.0.1:{port}"
    return {
        "ffconcat": b"ffconcat version 1.0\nfile secret.wav\n",
        "ffconcat-absolute": f"ffconcat version 1.0\nfile '{secret}'\n".encode(),
        "ffconcat-http": f"ffconcat version 1.0\nfile {http}/a.wav\n".encode(),
        "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n",
        "m3u8-absolute": (
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
            f"file://{folder}/secret.ts\n#EXT-X-ENDLIST\n"
        ).encode(),
        "m3u8-http": (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{http}/a.ts\n#EXT-X-ENDLIST\n"
        ).encode(),
        "m3u8-key": (
            f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{http}/k"\n'
            "#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n"
        ).encode(),
        "m3u": f"#EXTM3U\n{secret}\n{http}/a.mp3\n".encode(),
        "sdp": (
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            f"m=audio {port} RTP/AVP 0\n"
        ).encode(),
        "pls": f"[playlist]\nFile1={http}/a.mp3\nNumberOfEntries=1\n".encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{http}/a.mp3"/></entry></asx>'.encode(),
        "dash": (
            f'<?xml version="1.0"?><MPD><BaseURL>{http}/</BaseURL><Period><AdaptationSet>'
            '<Representation id="1" bandwidth="1"><BaseURL>a.mp4</BaseURL></Representation>'
            "</AdaptationSet></Period></MPD>"
        ).encode(),
        "idx": b"# VobSub index file, v7\nsize: 720x576\nid: en, index: 0\n",
        "rtsp": f"RTSPtextRTSP://127.0.0.1:{port}/a\n".encode(),
        "smil": f'<smil><body><audio src="{http}/a.mp3"/></body></smil>'.encode(),
        "hds": f'<?xml version="1.0"?><manifest><media url="{http}/a"/></manifest>'.encode(),
        "imf": f"<?xml version='1.0'?><AssetMap><Path>{secret}</Path></AssetMap>".encode(),
        "sbg": b"NowRun secret.wav\n",
    }


NAMES = tuple(baits(Path("x"), 1))


def assert_refused(source) -> None:
    """Check that a source yields not one sample."""
    with pytest.raises(AudioError):
        next(open_audio(source))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_playlist_names_stays_closed(tmp_path, monkeypatch, secret, listener, name):
    """A playlist, as a path, bytes or a file object with a telltale name, opens nothing."""
    monkeypatch.chdir(tmp_path)
    content = baits(secret, listener.port)[name]
    assert_refused(content)
    assert_refused(iter([content]))
    for suffix in (name.split("-")[0], "ffconcat", "mp3", "wav", "m3u8", "idx", "sdp", "txt"):
        path = tmp_path / f"secret.{suffix}" if suffix == "idx" else tmp_path / f"bait.{suffix}"
        path.write_bytes(content)
        assert_refused(path)
        assert_refused(path.name)
        with path.open("rb") as file:
            assert_refused(file)
        named = io.BytesIO(content)
        named.name = str(path)
        assert_refused(named)


@pytest.mark.parametrize(
    "form",
    [
        "concat:{0}",
        "concat:{0}|{0}",
        "subfile,,start,0,end,0,,:{0}",
        "cache:{0}",
        "async:{0}",
        "file:{0}",
        "crypto:{0}",
        "data:audio/wav;base64,UklGRg==",
        "http://127.0.0.1:{1}/a.wav",
        "tcp://127.0.0.1:{1}",
        "ftp://127.0.0.1:{1}/a",
        "rtsp://127.0.0.1:{1}/a",
        "rtmp://127.0.0.1:{1}/a",
        "hls+http://127.0.0.1:{1}/a",
        "pipe:0",
        "fd:0",
        "unix:{0}",
        "lavfi:sine",
    ],
)
def test_a_path_is_a_path(tmp_path, monkeypatch, secret, listener, form):
    """A path that looks like one of libav's URLs is taken for the name of a file."""
    monkeypatch.chdir(tmp_path)
    path = form.format(secret, listener.port)
    assert_refused(path)
    if os.sep not in path and sys.platform != "win32":
        Path(path).write_bytes(b"not sound")
        assert_refused(path)


@pytest.mark.parametrize("name", NAMES)
def test_the_fast_path_is_guarded_too(tmp_path, monkeypatch, secret, listener, name):
    """A file that becomes a playlist between probing and decoding opens nothing either."""
    monkeypatch.chdir(tmp_path)
    info = TrackInfo(
        "mp3", "mp3float", index=0, sample_rate=RATE, channels=1, seconds=1, exact=True
    )
    path = tmp_path / f"bait.{name.split('-')[0]}"
    path.write_bytes(baits(secret, listener.port)[name])
    with pytest.raises(FFmpegError):
        next(
            decode_file(
                f"file:{path}", info, Target(AudioFormat(), keep_channels=False, live=False), 0.0
            )
        )


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's list of threads")
def test_no_thread_is_started(tmp_path, secret):
    """Decoding starts no threads, neither for codecs nor for filters."""
    code = (
        "import os, azstt._audio.files.decoders\nfrom azstt._audio import open_audio\n"
        f"for name in ('secret.mp3', 'secret.mkv', 'secret.wav'):\n"
        f"    for source in ({str(tmp_path)!r} + '/' + name,"
        f" open({str(tmp_path)!r} + '/' + name, 'rb').read()):\n"
        "        with open_audio(source, keep_channels=True) as reader:\n"
        "            next(reader)\n"
        "            assert len(os.listdir('/proc/self/task')) == 1\n"
    )
    assert secret.exists()
    subprocess.run([sys.executable, "-c", code], check=True)
