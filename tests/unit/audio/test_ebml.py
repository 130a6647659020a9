from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats.ebml import Element, children, read_element, read_number


@pytest.mark.parametrize(
    ("data", "number"),
    [
        ("81", (1, 1)),
        ("fe", (126, 1)),
        ("ff", (None, 1)),
        ("4000", (0, 2)),
        ("407f", (127, 2)),
        ("01000000000000ff", (255, 8)),
        ("01ffffffffffffff", (None, 8)),
        ("", None),
        ("40", None),
        ("0100", None),
    ],
)
def test_numbers(data, number):
    """Numbers of every length are read; unknown and truncated ones are distinguished."""
    assert read_number(bytes.fromhex(data), 0) == number


@pytest.mark.parametrize(
    ("data", "element"),
    [
        ("a381", Element(0xA3, 2, 1)),
        ("1a45dfa39f", Element(0x1A45DFA3, 5, 31)),
        ("1f43b67501ffffffffffffff", Element(0x1F43B675, 12, None)),
        ("428682", Element(0x4286, 3, 2)),
        ("08", Element(0, 0, 0)),  # not the beginning of an identifier
        ("a300", Element(0, 0, 0)),  # not the beginning of a size
        ("", None),
        ("a3", None),
        ("1a45", None),
        ("a340", None),
    ],
)
def test_headers(data, element):
    """Headers are read; invalid and truncated ones are distinguished."""
    assert read_element(bytes.fromhex(data), 0) == element


def test_children_of_an_element():
    """Children are returned in order; one that does not fit is an error."""
    content = bytes.fromhex("d78101 8381 02".replace(" ", ""))
    assert list(children(content)) == [(0xD7, b"\x01"), (0x83, b"\x02")]
    assert Element(0xD7, 2, None).end == 2
    for broken in ("d782", "d7ff01", "00", "d7"):
        with pytest.raises(ValueError, match="no element at 0"):
            list(children(bytes.fromhex(broken)))


@given(st.binary(max_size=30), st.integers(0, 30))
def test_any_bytes_have_an_answer(data, at):
    """Reading works for any bytes, and never goes beyond them."""
    element = read_element(data, at)
    assert element is None or element.start <= len(data)
    with contextlib.suppress(ValueError):
        assert sum(len(body) for _, body in children(data)) <= len(data)
