"""How fast audio is decoded: files (`__main__.py`) and streams (`streams.py`)."""
