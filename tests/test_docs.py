"""What the documentation shows is run as it stands."""

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
SNIPPETS = [
    pytest.param(code, id=f"{page.name}:{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]
LINKS = [
    pytest.param(page, link, id=f"{page.name}:{link}")
    for page in PAGES
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_a_snippet_runs(code, audio, tmp_path):
    """Code from the documentation works when it is pasted beside a recording."""
    shutil.copy(audio / "containers" / "h264_aac.mp4", tmp_path / "talk.mp4")
    (tmp_path / "snippet.py").write_text("import azstt\n" + code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "snippet.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_somewhere(page, link):
    """The documentation points at nothing that is not there."""
    assert (page.parent / link).exists()


def test_the_error_tree_is_drawn_once():
    """The guide shows the tree that the errors' own docstring draws."""
    drawing = inspect.getdoc(_errors).split("::\n\n")[1].split("\n\n")[0]
    assert textwrap.dedent(drawing) in (ROOT / "docs" / "guide.md").read_text()
