"""Audio that arrives in pieces, pushed: each piece to PCM at once."""
