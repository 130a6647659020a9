"""Pull decoding: PCM from any file or stream that FFmpeg can read."""
