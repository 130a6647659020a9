from __future__ import annotations

import re
import tomllib
from pathlib import Path

import azstt

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
HEADINGS = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
#: The sections of Keep a Changelog, in the order that docs/releasing.md asks for.
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
RELEASE = re.compile(r"(\d+\.\d+\.\d+) - \d{4}-\d{2}-\d{2}")


def released() -> list[str]:
    """Return the versions that the changelog calls released, newest first."""
    return [match[1] for heading in HEADINGS if (match := RELEASE.fullmatch(heading))]


def test_the_changelog_is_about_this_version():
    """The newest release in the changelog is this version, unless this one is not released yet."""
    if HEADINGS[0] == "Unreleased":
        assert azstt.__version__ not in released()
    else:
        assert released()[0] == azstt.__version__


def test_the_build_reads_the_version_from_the_package():
    """A wheel has the version that `azstt.__version__` shows."""
    assert PROJECT["project"]["dynamic"] == ["version"]
    source = (ROOT / PROJECT["tool"]["hatch"]["version"]["path"]).read_text()
    assert f'__version__ = "{azstt.__version__}"' in source


def test_the_versions_are_in_order():
    """Each heading is `Unreleased`, once and first, or a version with its date, newest first."""
    assert len(released()) == len(HEADINGS) - (HEADINGS[0] == "Unreleased")
    numbers = [tuple(map(int, version.split("."))) for version in released()]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_changelog_has_the_usual_sections():
    """Each version has sections of Keep a Changelog, in their order, none of them empty."""
    for body in re.split(r"^## .+\n", CHANGELOG, flags=re.MULTILINE)[1:]:
        before, *rest = re.split(r"^### (.+)\n", body, flags=re.MULTILINE)
        names, texts = rest[::2], rest[1::2]
        assert not before.strip()
        assert names == [name for name in SECTIONS if name in names]
        assert all(text.strip().startswith("- ") for text in texts)
