"""Words: their times if only text was reported, and after a correction. Pure."""
