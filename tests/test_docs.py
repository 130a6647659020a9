"""What the documentation shows runs as shown."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from azstt import _errors

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_SNIPPETS = [page for page in PAGES if "```python\n" in page.read_text()]
LINKS = [
    pytest.param(page, link, id=f"{page.name}:{link}")
    for page in PAGES
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
]


#: The name of a test, where it is defined.
DEFINED = re.compile(r"def (test_\w+)")

#: Runs the snippets of a page one after another, each in a namespace of its own; a page is one
#: process because loading the recognizer takes longer than the snippets do.
RUN = """
import re, sys
import azstt
text = open(sys.argv[1], encoding="utf-8").read()
for found in re.finditer(r"```python\\n(.*?)```", text, re.DOTALL):
    line = text.count("\\n", 0, found.start(1))
    code = compile("\\n" * line + found[1], sys.argv[1], "exec")  # tracebacks name the page's line
    exec(code, {"__name__": "__main__", "azstt": azstt})
"""


@pytest.mark.parametrize("page", WITH_SNIPPETS, ids=lambda page: page.name)
def test_the_snippets_of_a_page_run(page, audio, tmp_path):
    """Code from the documentation works when it is pasted next to a recording."""
    shutil.copy(audio / "containers" / "h264_aac.mp4", tmp_path / "talk.mp4")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, page],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_somewhere(page, link):
    """Every link in the documentation leads to a file that exists."""
    assert (page.parent / link).exists()


def test_the_error_tree_is_drawn_once():
    """The guide shows the same error tree as the docstring of the errors."""
    drawing = inspect.getdoc(_errors).split("::\n\n")[1].split("\n\n")[0]
    assert textwrap.dedent(drawing) in (ROOT / "docs" / "guide.md").read_text()


def test_each_promise_has_its_test():
    """The tests that docs/live.md names exist."""
    page = (ROOT / "docs/live.md").read_text(encoding="utf-8").partition("## Promises")[2]
    names = set(re.findall(r"`(test_\w+)`", page))
    sources = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py")]
    assert names
    assert not names - set(DEFINED.findall("".join(sources)))
