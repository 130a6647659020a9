"""Push decoding: PCM from a stream that arrives in chunks, each chunk decoded right away."""
