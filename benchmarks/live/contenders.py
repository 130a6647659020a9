"""The ways to have live text from Azure that benchmarks/live.py compares: a coroutine each.

Each opens one session at ``host``, calls ``feed`` with what takes audio, notes every text when a
user of it has it in hand, and ends when the audio has. Each imports what it is about by itself:
two of them run where azstt is not installed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

RATE = 16_000

Send: TypeAlias = Callable[[bytes], Awaitable[None] | None]
Feed: TypeAlias = Callable[[Send], Awaitable[None]]
#: Is told of each text at once, on any thread: the text, and whether it is a final.
Note: TypeAlias = Callable[[str, bool], None]
Contender: TypeAlias = Callable[[str, Feed, Note], Awaitable[None]]


async def nothing(_: str, feed: Feed, __: Note) -> None:
    """Drop the audio: what the measuring itself costs."""
    await feed(lambda _: None)


async def azstt(host: str, feed: Feed, note: Note) -> None:
    """As docs/live.md has it."""
    from azstt import Final, LiveSession, Partial  # noqa: PLC0415 - as all of them
    from azstt.backends.azure import AzureBackend, AzureSettings  # noqa: PLC0415

    backend = AzureBackend(AzureSettings(host=host))
    async with LiveSession(language="en-US", backend=backend) as live:

        async def pump() -> None:
            await feed(live.send)
            await live.finish()

        pumping = asyncio.create_task(pump())
        async for event in live:
            match event:
                case Partial(text=text):
                    note(text, False)
                case Final(segment=segment):
                    note(segment.text, True)
                case _:
                    pass
        await pumping


async def sdk(host: str, feed: Feed, note: Note) -> None:
    """The SDK alone, as Microsoft's sample of a push stream: callbacks that read the text."""
    speech = speech_sdk()
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    stream = speech.audio.PushAudioInputStream(speech.audio.AudioStreamFormat(RATE, 16, 1))
    recognizer = speech.SpeechRecognizer(
        speech_config=speech.SpeechConfig(host=host),
        audio_config=speech.audio.AudioConfig(stream=stream),
    )

    def end(_: object) -> None:
        with suppress(RuntimeError):  # the loop may have closed
            loop.call_soon_threadsafe(over.set)

    recognizer.recognizing.connect(lambda event: note(event.result.text, False))
    recognizer.recognized.connect(lambda event: note(event.result.text, True))
    recognizer.session_stopped.connect(end)
    recognizer.canceled.connect(end)
    recognizer.start_continuous_recognition()
    await feed(stream.write)
    stream.close()
    await over.wait()
    await asyncio.to_thread(recognizer.stop_continuous_recognition)


def speech_sdk() -> Any:  # noqa: ANN401 - it has no types
    from azure.cognitiveservices import speech  # noqa: PLC0415

    return speech


async def livekit(host: str, feed: Feed, note: Note) -> None:
    """LiveKit's plugin without LiveKit's server: frames in, events out."""
    from livekit import rtc  # noqa: PLC0415
    from livekit.agents.stt import SpeechEventType  # noqa: PLC0415
    from livekit.plugins.azure import STT  # noqa: PLC0415

    stream = STT(speech_host=host, language="en-US").stream()

    async def pump() -> None:
        await feed(
            lambda pcm: stream.push_frame(rtc.AudioFrame(bytearray(pcm), RATE, 1, len(pcm) // 2))
        )
        stream.end_input()

    pumping = asyncio.create_task(pump())
    async with stream:
        async for event in stream:
            if event.type is SpeechEventType.INTERIM_TRANSCRIPT:
                note(event.alternatives[0].text, False)
            elif event.type is SpeechEventType.FINAL_TRANSCRIPT:
                note(event.alternatives[0].text, True)
    await pumping


async def pipecat(host: str, feed: Feed, note: Note) -> None:
    """Pipecat's service in the least pipeline: itself, and a processor that reads its frames.

    With a pipeline worker and its runner, without which no service runs; without what they do on
    top: no tracking of turns, no RTVI, no idle limit, no log, and no audio handed on.
    """
    from loguru import logger  # noqa: PLC0415
    from pipecat.frames import frames  # noqa: PLC0415
    from pipecat.pipeline.pipeline import Pipeline  # noqa: PLC0415
    from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: PLC0415
    from pipecat.processors.frame_processor import FrameProcessor  # noqa: PLC0415
    from pipecat.services.azure.stt import AzureSTTService  # noqa: PLC0415
    from pipecat.workers.runner import WorkerRunner  # noqa: PLC0415

    logger.remove()

    class Reader(FrameProcessor):
        async def process_frame(self, frame: Any, direction: Any) -> None:  # noqa: ANN401
            await super().process_frame(frame, direction)
            if isinstance(frame, frames.InterimTranscriptionFrame):
                note(frame.text, False)
            elif isinstance(frame, frames.TranscriptionFrame):
                note(frame.text, True)
            await self.push_frame(frame, direction)

    service = AzureSTTService(
        api_key="none",
        private_endpoint=f"{host}/speech/universal/v2",
        sample_rate=RATE,
        audio_passthrough=False,
    )
    worker = PipelineWorker(
        Pipeline([service, Reader()]),
        cancel_on_idle_timeout=False,
        enable_rtvi=False,
        enable_turn_tracking=False,
        params=PipelineParams(audio_in_sample_rate=RATE),
    )
    started = asyncio.Event()
    worker.add_event_handler("on_pipeline_started", lambda *_: started.set())
    runner = WorkerRunner(handle_sigint=False, check_dangling_tasks=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await started.wait()
    await feed(lambda pcm: worker.queue_frame(frames.InputAudioRawFrame(pcm, RATE, 1)))
    await worker.queue_frame(frames.EndFrame())
    await running


CONTENDERS: dict[str, Contender] = {
    "nothing": nothing,
    "sdk": sdk,
    "azstt": azstt,
    "livekit": livekit,
    "pipecat": pipecat,
}
#: What each is made of, in the interpreter that it runs in.
PACKAGES = {
    "azstt": ("azstt", "anyio"),
    "livekit": ("livekit-agents", "livekit-plugins-azure"),
    "pipecat": ("pipecat-ai",),
}
