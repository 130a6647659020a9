"""Builds `tests/audio/` from the speech corpus."""
