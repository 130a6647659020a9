"""Between threads and an event loop."""
