from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from azstt.backends.azure._native_events import native_interface

SDK = "azure.cognitiveservices.speech"


@pytest.fixture(autouse=True)
def fresh():
    """Let each test look for the names again."""
    native_interface.cache_clear()
    yield
    native_interface.cache_clear()


def test_the_sdk_that_is_installed_has_every_name(caplog):
    """With a version that was tried, results are read by the C interface, without a word."""
    assert native_interface() is not None
    assert not caplog.records


@pytest.mark.parametrize(
    "name",
    [
        "interop._sdk_lib",
        "interop._call_hr_fn",
        "interop._Handle",
        "Recognizer._handle",
        "Connection._handle",
        "PropertyCollection",
    ],
)
def test_a_missing_name_is_noticed(monkeypatch, caplog, name):
    """A version of the SDK without one of its private names is told in the log, once."""
    monkeypatch.delattr(f"{SDK}.{name}")
    with caplog.at_level(logging.WARNING):
        assert native_interface() is native_interface() is None
    (record,) = caplog.records
    assert name.rpartition(".")[2] in record.getMessage()
    assert "has changed inside" in record.getMessage()


def test_a_missing_function_is_noticed(monkeypatch):
    """So is a library without one of the C functions."""
    monkeypatch.setattr(f"{SDK}.interop._sdk_lib", SimpleNamespace())
    assert native_interface() is None
