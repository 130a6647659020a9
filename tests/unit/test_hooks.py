from __future__ import annotations

import pytest

from azstt import Reconnecting, ServiceError
from azstt.backends._hooks import ask_to_reconnect

PLANNED = Reconnecting(attempt=2, delay=4.0, reason="lost")


def ask(answer) -> Reconnecting | None:
    """Call a hook that returns this answer."""
    return ask_to_reconnect(lambda _: answer, PLANNED, backend="test")


def test_without_a_hook_all_goes_as_planned():
    """A hook is optional."""
    assert ask_to_reconnect(None, PLANNED, backend="test") == PLANNED


def test_a_hook_sees_the_attempt_and_may_leave_it_as_planned():
    """The hook gets the planned event; None changes nothing, nor does True."""
    asked: list[Reconnecting] = []
    assert ask_to_reconnect(asked.append, PLANNED, backend="test") == PLANNED
    assert asked == [PLANNED]
    assert ask(True) == PLANNED


@pytest.mark.parametrize("seconds", [0, 0.5, 1000])
def test_a_number_is_the_wait(seconds):
    """A number is the delay; 0 reconnects at once, unlike False."""
    assert ask(seconds) == PLANNED.model_copy(update={"delay": seconds})


def test_false_is_no_attempt():
    """The hook may veto the attempt."""
    assert ask(False) is None


@pytest.mark.parametrize("answer", [-1.0, float("nan"), float("inf"), "soon", object()])
def test_any_other_answer_is_an_error(answer):
    """The error names what the hook may return."""
    with pytest.raises(ServiceError, match="seconds to wait, None or False") as caught:
        ask(answer)
    assert not caught.value.retryable


@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt])
def test_what_a_hook_raises_is_the_cause(kind):
    """The hook's own message, which may hold anything, is not repeated."""

    def hook(_: Reconnecting) -> None:
        raise kind("secret")

    with pytest.raises(ServiceError, match=f"on_reconnect failed: {kind.__name__}") as caught:
        ask_to_reconnect(hook, PLANNED, backend="test")
    assert isinstance(caught.value.__cause__, kind)
    assert "secret" not in str(caught.value)
    assert (caught.value.backend, caught.value.retryable) == ("test", False)
