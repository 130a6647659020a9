"""What a backend asks of whoever opened the session."""

from __future__ import annotations

from azstt._errors import ServiceError
from azstt._events import Reconnecting
from azstt.backends._base import ReconnectHook


def ask_to_reconnect(
    hook: ReconnectHook | None, planned: Reconnecting, *, backend: str
) -> Reconnecting | None:
    """Let a hook have its say on an attempt to connect again.

    Args:
        hook: see `ReconnectHook`; None leaves it as it is planned.
        planned: the attempt.
        backend: who asks, for the error.

    Returns:
        the attempt, after the seconds that the hook wants; None if it wants none.

    Raises:
        ServiceError: the hook raised (see ``__cause__``), or answered neither.
    """
    if hook is None:
        return planned
    try:
        answer = hook(planned)
        if answer is False:
            return None
        if answer is None or answer is True:
            return planned
        return Reconnecting(attempt=planned.attempt, delay=answer, reason=planned.reason)
    except BaseException as error:  # nobody else would see it, on a thread of the backend's
        raise ServiceError(
            f"on_reconnect failed: {type(error).__name__}",
            backend=backend,
            retryable=False,
            hint="it takes a Reconnecting and returns seconds to wait, None or False",
        ) from error
