"""Decode any audio or video to PCM. The only package that imports `av`, and only when needed."""

from azstt._audio.feed import ByteFeed as ByteFeed
from azstt._audio.files.convert import to_wav as to_wav
from azstt._audio.files.reader import AudioReader as AudioReader
from azstt._audio.files.reader import MediaTimeline as MediaTimeline
from azstt._audio.files.reader import open_audio as open_audio
from azstt._audio.files.reader import open_reader as open_reader
from azstt._audio.formats.containers import Container as Container
from azstt._audio.inputs import AudioSource as AudioSource
from azstt._audio.inputs import BytesLike as BytesLike
from azstt._audio.raw import RawCheck as RawCheck
from azstt._audio.report import LONGEST_SILENCE as LONGEST_SILENCE
from azstt._audio.report import DecodeReport as DecodeReport
from azstt._audio.streams.decoder import LiveDecoder as LiveDecoder
