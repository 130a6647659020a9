"""Audio and video to typed transcripts."""

__version__ = "0.1.0"
