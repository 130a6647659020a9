"""What the emulated service does, message by message."""
