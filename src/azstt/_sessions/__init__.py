"""Drives a backend's session over a file or a live stream."""
