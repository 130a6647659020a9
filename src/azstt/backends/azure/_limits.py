"""Limits on waiting, retrying and memory."""

from __future__ import annotations

import random
from typing import Annotated

from pydantic import Field

from azstt._models import FrozenModel

_Limit = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class AzureLimits(FrozenModel):
    """Bounds on every wait of a session and on its memory; in seconds unless stated otherwise.

    Attributes:
        sign_in: fetching a token from a credential or a function.
        connect: from the start, or from the loss of a connection, until one is established.
        first_response: from the first audio on a connection until the first message.
        idle: without a message from the service while it has audio to process. When it runs out
            before the end of the audio, the recognizer is ended and another one started: even
            after a long silence a service that is still there answers the end of the audio, within
            ``first_response``.
        stop: releasing a recognizer; one that takes longer is abandoned.
        hold: unprocessed audio that is kept to be sent again. A session holds this much and 10 s
            more: 4 MB at 16 kHz; the SDK holds as much again.
        pace: how many times faster than real time audio is sent, after the first 5 s.
    """

    sign_in: _Limit = 30.0
    connect: _Limit = 15.0
    first_response: _Limit = 15.0
    idle: _Limit = 60.0
    stop: _Limit = 3.0
    hold: Annotated[float, Field(ge=10.0, le=3600.0)] = 120.0
    pace: Annotated[float, Field(ge=1.0, le=10_000.0)] = 2.0


class ReconnectPolicy(FrozenModel):
    """How a lost connection is reestablished; the SDK itself gives up after about a second.

    Count and clock start over whenever something was recognized, or the service was still
    responding 10 s of audio later: outages in a long silence do not add up.

    Attributes:
        attempts: how many; 0 disables reconnecting.
        total: seconds from the loss after which no further attempt is made.
        first_delay: seconds before the first attempt, doubled for each further one.
        longest_delay: the maximum delay in seconds. A longer Retry-After of the service wins.
        jitter: the random share of the delay, so that many clients do not reconnect at once.
    """

    attempts: Annotated[int, Field(ge=0)] = 12
    total: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 120.0
    first_delay: _Limit = 0.5
    longest_delay: _Limit = 20.0
    jitter: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait before an attempt, counted from 1."""
        backoff = min(self.longest_delay, self.first_delay * 2.0 ** min(attempt - 1, 30))
        factor = random.uniform(1.0 - self.jitter, 1.0)  # noqa: S311 - spreads load, guards nothing
        return max(backoff * factor, retry_after or 0.0)
