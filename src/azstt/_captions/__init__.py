"""Segments to captions and other text formats. Pure."""
