"""Recognizer events to a transcript that accounts for every second of audio. Pure."""
