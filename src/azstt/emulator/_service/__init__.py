"""The emulated service: server, connections, turns and messages."""
