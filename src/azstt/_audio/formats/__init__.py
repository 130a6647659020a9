"""Parsers for containers and codecs: bytes in, metadata and packets out. Pure."""
