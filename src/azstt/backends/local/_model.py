"""Moonshine on onnxruntime: PCM in, words with confidences out.

Imports numpy and onnxruntime, so it is itself imported late.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from azstt.backends.local import _assets
from azstt.backends.local._endpointer import RATE
from azstt.backends.local._utterance import DecodeCanceledError

ort: Any = import_module("onnxruntime")  # ships no types

Array: TypeAlias = npt.NDArray[Any]

_BEGIN, _END = 1, 2
_SPACE = "▁".encode()
#: The encoder's convolutions need at least this much audio, in samples.
_SHORTEST = RATE // 4
#: Tokens per second; nobody speaks faster, so a decoder that does is hallucinating.
_FASTEST = 7
#: Tokens allowed on top of that, for the shortest utterances.
_ALLOWANCE = 6
#: How often a phrase of so many tokens may repeat before it counts as a loop.
_REPEATS = {1: 8, 2: 6, 3: 5}
_REPEATS_LONGER = 4
_LONGEST_PHRASE = 12


@dataclass(frozen=True)
class SpokenWord:
    """A word and how sure the model is of it, 0 to 1."""

    text: str
    confidence: float


class Moonshine:
    """A loaded model. Any number of threads may call it at once.

    Args:
        folder: the folder with the three model files.
    """

    def __init__(self, folder: Path) -> None:
        options = ort.SessionOptions()
        # Segments are decoded side by side, each on one thread: no native pools that spin.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self._encoder: Any = ort.InferenceSession(folder / _assets.ENCODER, options, providers)
        self._decoder: Any = ort.InferenceSession(folder / _assets.DECODER, options, providers)
        self._tokens: list[bytes] = list(_read_tokens(folder / _assets.TOKENIZER))
        inputs: dict[str, Any] = {i.name: i.shape for i in self._decoder.get_inputs()}
        self._inputs: frozenset[str] = frozenset(inputs)
        self._past: dict[str, Array] = {
            name: np.zeros((1, shape[1], 0, shape[3]), np.float32)
            for name, shape in inputs.items()
            if name.startswith("past_key_values")
        }
        outputs: list[str] = [o.name for o in self._decoder.get_outputs()]
        self._first: list[str] = outputs
        # The encoder's keys and values never change: later steps return only the decoder's.
        self._later: list[str] = [name for name in outputs if ".encoder." not in name]

    def transcribe(
        self, pcm: bytes | bytearray, *, canceled: Callable[[], bool]
    ) -> list[SpokenWord]:
        """Recognize one segment of 16 kHz mono 16-bit PCM.

        Raises:
            DecodeCanceledError: ``canceled`` returned true; it is called before each token.
        """
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        if len(samples) < _SHORTEST:
            samples = np.pad(samples, (0, _SHORTEST - len(samples)))
        spoken = _until_loop(self._decode(samples[None]), canceled)
        return list(_words([(self._tokens[token], chance) for token, chance in spoken]))

    def _decode(self, samples: Array) -> Iterator[tuple[int, float]]:
        """Decode greedily: each token with its probability."""
        mask = np.ones(samples.shape, np.int64)
        (hidden,) = self._encoder.run(None, {"input_values": samples, "attention_mask": mask})
        feed: dict[str, Array] = {
            **self._past,
            "input_ids": np.array([[_BEGIN]], np.int64),
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": mask,  # of the audio; the graph scales it down itself
            "use_cache_branch": np.array([False]),
        }
        feed = {name: value for name, value in feed.items() if name in self._inputs}
        wanted = self._first
        for _ in range(samples.shape[1] * _FASTEST // RATE + _ALLOWANCE):
            logits, *cache = self._decoder.run(wanted, feed)
            scores = logits[0, -1]
            token = int(scores.argmax())
            if token == _END:
                return
            yield token, float(1 / np.exp(scores - scores[token]).sum())
            for name, value in zip(wanted[1:], cache, strict=True):
                feed[name.replace("present", "past_key_values")] = value
            feed["input_ids"] = np.array([[token]], np.int64)
            feed["use_cache_branch"] = np.array([True])
            wanted = self._later


def _read_tokens(path: Path) -> Iterator[bytes]:
    """Read the vocabulary: each token follows its length, in one byte or two."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        size, at = data[at], at + 1
        if size >= 128:  # noqa: PLR2004 - the high bit says that a second byte follows
            size, at = data[at] * 128 + size - 128, at + 1
        yield data[at : at + size]
        at += size


def _until_loop(
    decoded: Iterable[tuple[int, float]], canceled: Callable[[], bool]
) -> list[tuple[int, float]]:
    """Collect tokens; once they loop, keep the first occurrence and stop."""
    spoken: list[tuple[int, float]] = []
    for token in decoded:
        if canceled():
            raise DecodeCanceledError
        spoken.append(token)
        echoes = _loop([token for token, _ in spoken])
        if echoes:
            return spoken[:-echoes]
    return spoken


def _words(tokens: Iterable[tuple[bytes, float]]) -> Iterator[SpokenWord]:
    """Join tokens into words; a word's confidence is the geometric mean of its tokens'."""
    parts: list[tuple[bytes, list[float]]] = []
    for token, chance in tokens:
        if token.startswith(_SPACE) or not parts:
            parts.append((token.removeprefix(_SPACE), [chance]))
        else:
            text, sure = parts.pop()
            parts.append((text + token, [*sure, chance]))
    for raw, sure in parts:
        word = raw.replace(_SPACE, b" ").decode("utf-8", "replace").strip()
        if word:
            mean = math.exp(sum(math.log(max(chance, 1e-30)) for chance in sure) / len(sure))
            yield SpokenWord(word, min(1.0, mean))


def _loop(tokens: list[int]) -> int:
    """Return how many tokens at the end only repeat the ones before them."""
    for size in range(1, min(_LONGEST_PHRASE, len(tokens) // 2) + 1):
        times = _REPEATS.get(size, _REPEATS_LONGER)
        if len(tokens) < size * times:
            continue
        tail = tokens[-size * times :]
        if tail[size:] == tail[:-size]:
            return size * (times - 1)
    return 0
