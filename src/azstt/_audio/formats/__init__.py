"""Parsers of containers and codecs: bytes in, facts and packets out. Pure."""
