"""Builds the speech corpus that the benchmarks run on."""
