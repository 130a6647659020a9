"""Live sessions for browsers."""
