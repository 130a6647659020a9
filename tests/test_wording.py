from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Patterns that codespell cannot express, and what to write instead.
BANNED = {
    r"\bas of (?!now\b)": "see, as in, or the same as",
    r"recognis": "recogniz, as in American English",
}
FOLDERS = ("src", "benchmarks", "scripts")
PATTERNS = ("*.md", "docs/*.md", "src/**/*.js", *(f"{folder}/**/*.py" for folder in FOLDERS))
PAGES = [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]


@pytest.mark.parametrize("pattern", BANNED)
def test_the_prose_avoids_banned_wording(pattern):
    """Docs, docstrings and comments use plain American English."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()} (write: {BANNED[pattern]})"
        for path in PAGES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert not found, "\n".join(found)
