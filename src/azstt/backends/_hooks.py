"""Hooks of the caller that a backend calls."""

from __future__ import annotations

from azstt._errors import ServiceError
from azstt._events import Reconnecting
from azstt.backends._base import ReconnectHook


def ask_to_reconnect(
    hook: ReconnectHook | None, planned: Reconnecting, *, backend: str
) -> Reconnecting | None:
    """Call a hook before an attempt to reconnect.

    Args:
        hook: see `ReconnectHook`; None leaves the attempt as planned.
        planned: the attempt.
        backend: the backend's name, for the error.

    Returns:
        The attempt, with the delay that the hook chose; None if the hook vetoed it.

    Raises:
        ServiceError: the hook raised (see ``__cause__``), or returned something else.
    """
    if hook is None:
        return planned
    try:
        answer = hook(planned)
        if answer is False:
            return None
        if answer is None or answer is True:
            return planned
        return Reconnecting(
            attempt=planned.attempt, delay=answer, reason=planned.reason, error=planned.error
        )
    except BaseException as error:  # on a thread of the backend's it would be lost
        raise ServiceError(
            f"on_reconnect failed: {type(error).__name__}",
            backend=backend,
            retryable=False,
            hint="it takes a Reconnecting and returns seconds to wait, None or False",
        ) from error
