"""A live session for a page in a browser."""
