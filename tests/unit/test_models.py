from __future__ import annotations

import pytest
from pydantic import ValidationError

from azstt import Segment, Word


def test_values_do_not_change():
    """A result is immutable, so it can be shared between threads."""
    word = Word(text="hello", start=0, end=1)
    with pytest.raises(ValidationError):
        word.start = 0.5


def test_an_error_shows_no_input():
    """Transcript text does not leak through a validation error."""
    with pytest.raises(ValidationError) as caught:
        Segment(text="a secret", start=2, end=1)
    assert "secret" not in str(caught.value)
    assert "end 1.0 is before start 2.0" in str(caught.value)
