"""Files, pulled: whatever FFmpeg reads, to PCM."""
