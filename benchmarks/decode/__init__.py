"""How fast audio is decoded: from files (`__main__.py`) and from streams (`streams.py`)."""
