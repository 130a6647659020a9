"""A recognizer's events to a transcript that accounts for every second. Pure."""
