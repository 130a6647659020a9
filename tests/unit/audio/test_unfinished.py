"""Audio that stops while it arrives: read to what is there, and the same words about the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from azstt import open_audio
from azstt._audio import DecodeReport

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
NAMES = ("pcm_s16_16k.wav", "mp3.mp3", "opus.webm", "opus.ogg", "aac_faststart.m4a")
posix = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and /dev/stdin are POSIX's")
REPORT = """
import azstt, sys
with azstt.open_audio("/dev/stdin") as reader:
    for _ in reader:
        pass
print(reader.report.model_dump_json())
"""


def half(name: str) -> bytes:
    """Return the first half of a file, cut within a packet."""
    data = (CONTAINERS / name).read_bytes()
    return data[: len(data) // 2 + 9]


def report_of(source: object) -> DecodeReport:
    """Decode a source and return the report."""
    with open_audio(source) as reader:
        for _ in reader:
            pass
        return reader.report


def end_of(report: DecodeReport) -> tuple[float, object]:
    """Return how much was read, and what is said about the rest."""
    return report.seconds, report.missing


@pytest.fixture(params=NAMES)
def cut(request, tmp_path):
    """The half of a file, on disk."""
    path = tmp_path / request.param
    path.write_bytes(half(request.param))
    assert report_of(path).truncated
    return path


class _BreaksOff(BaseHTTPRequestHandler):
    """Promises a whole file, sends half of it and closes the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        transfer, name = self.path[1:].split("/")
        data, size = half(name), (CONTAINERS / name).stat().st_size
        self.close_connection = True
        self.send_response(200)
        if transfer == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            data = b"%x\r\n%s\r\n" % (len(data), data)  # and no last chunk
        else:
            self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving():
    """Serve the halves; yield the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _BreaksOff) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("transfer", ["chunked", "sized"])
def test_a_download_that_breaks_off(cut, transfer):
    """A response that ends too early is read to what came, and reported like the file on disk."""
    with serving() as url, urlopen(f"{url}/{transfer}/{cut.name}") as response:  # noqa: S310 - ours
        assert end_of(report_of(response)) == end_of(report_of(cut))


@posix
def test_a_pipe_whose_writer_dies(cut, tmp_path):
    """A FIFO is read until its writer is gone, and reported like the file on disk."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=[cut.read_bytes()])
    writer.start()
    assert end_of(report_of(fifo)) == end_of(report_of(cut))
    writer.join()


@posix
@pytest.mark.parametrize("piped", [True, False])
@pytest.mark.parametrize("name", NAMES[::2])
def test_standard_input_by_its_path(name, piped, tmp_path):
    """/dev/stdin is read like the file it is redirected from, and like a pipe."""
    path = tmp_path / name
    path.write_bytes(half(name))
    command = [sys.executable, "-c", REPORT]
    with path.open("rb") as file:
        given = {"input": file.read()} if piped else {"stdin": file}
        done = subprocess.run(command, capture_output=True, check=True, **given)
    report = DecodeReport.model_validate_json(done.stdout)
    assert end_of(report) == end_of(report_of(path))


@pytest.mark.parametrize("name", NAMES)
def test_a_growing_file(name, tmp_path):
    """A file that is still being written is read as far as it goes; the rest is named."""
    path, data = tmp_path / name, half(name)
    whole = report_of(CONTAINERS / name)
    path.write_bytes(data[: len(data) // 2])
    with open_audio(path) as reader:
        next(iter(reader))
        with path.open("ab") as file:
            file.write(data[len(data) // 2 :])
        for _ in reader:
            pass
        report = reader.report
    assert report_of(data[: len(data) // 2]).seconds <= report.seconds <= report_of(data).seconds
    (gap,) = report.missing
    assert (gap.reason, gap.at) == ("truncated", pytest.approx(report.seconds, abs=0.01))
    assert gap.seconds in (None, pytest.approx(whole.seconds - report.seconds, abs=0.15))
