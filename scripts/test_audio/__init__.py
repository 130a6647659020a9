"""Builds `tests/audio/` from the corpus."""
