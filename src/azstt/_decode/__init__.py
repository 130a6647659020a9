"""Any audio or video to PCM: the only package that imports `av`, and only when it must."""

from azstt._decode._containers import Container as Container
from azstt._decode._feed import ByteFeed as ByteFeed
from azstt._decode._live import LiveDecoder as LiveDecoder
from azstt._decode._reader import AudioReader as AudioReader
from azstt._decode._reader import open_audio as open_audio
from azstt._decode._reader import to_wav as to_wav
from azstt._decode._report import DamagedRange as DamagedRange
from azstt._decode._report import DecodeReport as DecodeReport
from azstt._decode._sources import AudioSource as AudioSource
