"""How long to wait, how often to try, how much to hold."""

from __future__ import annotations

import random
from typing import Annotated

from pydantic import Field

from azstt._models import FrozenModel

_Limit = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class AzureLimits(FrozenModel):
    """What bounds every wait of a session, and its memory; all in seconds unless stated.

    Attributes:
        sign_in: fetching a token from a credential or a function.
        connect: from the start, or from the loss of a connection, until one stands.
        first_response: from the first audio on a connection until the service says anything.
        idle: without a word from the service while it has audio to deal with. Before the end of
            the audio the recognizer is ended then and another one begun, for the end is answered
            even after a long silence, if the service is there: within ``first_response``.
        stop: letting go of a recognizer; one that takes longer is left to itself.
        hold: audio that the service has not dealt with yet and that is kept to be sent again.
            A session holds this much, and 10 s more: 4 MB at 16 kHz; so does the SDK.
        pace: how many times faster than real time audio is sent, once 5 s have been.
    """

    sign_in: _Limit = 30.0
    connect: _Limit = 15.0
    first_response: _Limit = 15.0
    idle: _Limit = 60.0
    stop: _Limit = 3.0
    hold: Annotated[float, Field(ge=10.0, le=3600.0)] = 120.0
    pace: Annotated[float, Field(ge=1.0, le=10_000.0)] = 2.0


class ReconnectPolicy(FrozenModel):
    """How a lost connection is made again; the SDK itself gives up after about a second.

    The count and the clock begin anew whenever something was recognized, or the service had still
    been answering 10 s of audio later: in a long silence outages are not added up.

    Attributes:
        attempts: how often; 0 is never.
        total: seconds from the loss after which no further attempt is made.
        first_delay: seconds before the first attempt, doubled for each further one.
        longest_delay: seconds that it grows to. The service's own Retry-After counts if longer.
        jitter: share of the delay that is left to chance, so that many do not come back at once.
    """

    attempts: Annotated[int, Field(ge=0)] = 12
    total: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 120.0
    first_delay: _Limit = 0.5
    longest_delay: _Limit = 20.0
    jitter: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Give the seconds to wait before an attempt, counted from 1."""
        backoff = min(self.longest_delay, self.first_delay * 2.0 ** min(attempt - 1, 30))
        chance = random.uniform(1.0 - self.jitter, 1.0)  # noqa: S311 - spreads load, guards nothing
        return max(backoff * chance, retry_after or 0.0)
