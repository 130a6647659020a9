from __future__ import annotations

import copy
import inspect
import pickle

import pytest

import azstt
from azstt import _errors
from azstt._errors import tell_last_error

TREE = inspect.getdoc(_errors)
CLASSES = [
    c for c in vars(_errors).values() if isinstance(c, type) and c.__module__ == _errors.__name__
]
ERRORS = [c for c in CLASSES if issubclass(c, azstt.AzsttError)]


def test_the_drawing_shows_every_error_once():
    """The tree in the docstring, which the docs include, is the whole tree."""
    drawn = [line.split()[0].rstrip("*") for line in TREE.splitlines() if "Error" in line]
    assert sorted(drawn) == sorted(error.__name__ for error in ERRORS)


@pytest.mark.parametrize("error", [e for e in ERRORS if issubclass(e, azstt.RecognitionError)])
def test_retryable_is_what_the_drawing_says(error):
    """A star in the drawing is `retryable` on the error."""
    assert error("x").retryable == (f"{error.__name__}*" in TREE)


def test_an_error_may_override_retryable():
    """An error's own `retryable` overrides that of its class."""
    assert azstt.RequestError("x", retryable=True).retryable
    assert not azstt.ServiceError("x", retryable=False).retryable


def test_the_hint_is_part_of_the_message():
    """The message of an error includes the remedy."""
    assert str(azstt.ServiceError("it broke", hint="fix it")) == "it broke; fix it"


def test_a_time_out_tells_what_went_wrong_before():
    """The last error is the cause, in the message, and lends its data; it is told once."""
    throttled = azstt.ThrottledError("the quota is exhausted", code="429", retry_after=2.0)
    error = azstt.RecognitionTimeoutError("not done", hint="wait")
    tell_last_error(error, None)
    tell_last_error(error, azstt.RecognitionTimeoutError("not done", hint="wait"))
    assert error.__cause__ is None
    tell_last_error(error, throttled)
    tell_last_error(error, azstt.ServiceError("another"))
    assert error.__cause__ is throttled
    assert (error.code, error.retry_after) == ("429", 2.0)
    assert str(error) == "not done; wait; the last error was: the quota is exhausted"


def test_builtin_parents():
    """Code that catches Python's own exceptions catches ours."""
    assert issubclass(azstt.ConfigurationError, ValueError)
    assert issubclass(azstt.MissingDependencyError, ImportError)
    assert issubclass(azstt.AudioSourceError, OSError)
    assert issubclass(azstt.RecognitionTimeoutError, TimeoutError)
    assert issubclass(azstt.SessionStateError, RuntimeError)


def test_an_os_error_shows_its_message_alone():
    """The errno is an attribute and does not change the message."""
    error = azstt.AudioSourceError("no such file: 'x.wav'", source="x.wav", errno=2)
    assert str(error) == "no such file: 'x.wav'"
    assert (error.errno, error.source) == (2, "x.wav")


def test_an_os_error_from_another_process_keeps_its_number():
    """The errno survives pickling and copying, as its message and source do."""
    error = azstt.AudioSourceError("no such file: 'x.wav'", source="x.wav", errno=2)
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own data
        assert (str(same), same.errno, same.source) == (str(error), 2, "x.wav")
