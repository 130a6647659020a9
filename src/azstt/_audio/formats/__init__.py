"""Parsers of containers and codecs: bytes in, info and packets out. Pure."""
