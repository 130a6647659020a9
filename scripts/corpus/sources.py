"""The sources of the corpus: the Python packages in `sources.toml`, and Debian's."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Package:
    """A release on the Python package index."""

    name: str
    version: str
    form: str = "sdist"

    @property
    def folder(self) -> str:
        """The name of the folder that it unpacks to."""
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def label(self) -> str:
        """Its name in the manifest."""
        return f"PyPI {self.name}=={self.version} ({self.form})"


@dataclass(frozen=True, slots=True)
class Item:
    """A recording in a package; `sources.toml` explains the fields."""

    id: str
    package: str
    path: str
    target: str
    speaker: str
    license: str
    subset: str = "en-core"
    lang: str = "en-US"
    redistributable: str = "yes"
    reference: str = ""
    texts: Sequence[str] = ()
    replacements: Sequence[Sequence[str]] = ()
    beside: Sequence[Sequence[str]] = ()
    headerless: bool = False
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The telephone prompts of one language; the folder may be a glob pattern."""

    lang: str
    folder: str
    tag: str
    speaker: str
    license: str
    count: int = 12  # prompts that get rows of their own


PROMPTS = (
    Prompts("en", "en_US_f_Allison", "en-US", "Allison Smith (f)", "CC-BY-SA-3.0", 30),
    Prompts("es", "es_MX_f_Allison", "es-MX", "Allison Smith (f)", "CC-BY-SA-3.0"),
    Prompts("fr", "fr_CA_f_June", "fr-CA", "June Wallack (f)", "CC-BY-SA-3.0"),
    Prompts("it", "it_IT_m_Carlo", "it-IT", "Carlo Flora (m)", "CC-BY-3.0"),
    Prompts("ru", "ru_*", "ru-RU", "Maxim Topal (m)", "CC-BY-3.0"),
)
PROMPTS_G722 = "asterisk-core-sounds-en-g722"
ALSA = "alsa-utils"
ALSA_VOICES = ("Front_Center", "Front_Left", "Rear_Right", "Side_Left")
DEBIAN_PACKAGES = (
    *(f"asterisk-core-sounds-{prompts.lang}-wav" for prompts in PROMPTS),
    *(f"asterisk-core-sounds-{prompts.lang}" for prompts in PROMPTS),  # these hold the texts
    PROMPTS_G722,
    ALSA,
)

# pip builds the metadata of a source release even to download it, which needs its build back-end
BUILD_TOOLS = (
    *("pip", "setuptools", "wheel", "setuptools_scm", "hatchling", "hatch-vcs", "flit_core"),
    *("poetry-core", "pdm-backend", "cython", "numpy", "scikit-build-core", "repairwheel"),
    *("ninja", "cmake"),
)


def packages() -> dict[str, Package]:
    """Read the packages from the table, by name."""
    return {name: Package(name, **release) for name, release in _table()["packages"].items()}


def items() -> Iterator[Item]:
    """Read the recordings from the table, in its order."""
    for group in _table()["group"]:
        for values in group.pop("each", [[]]):
            yield Item(**_filled(group, values))


def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def _filled(value: Any, values: list[str]) -> Any:  # noqa: ANN401 - any TOML value
    """Fill one row's values into every string of a group."""
    if isinstance(value, str):
        return value.format(*values)
    if isinstance(value, list):
        return [_filled(part, values) for part in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        return {key: _filled(part, values) for key, part in cast("dict[str, Any]", value).items()}
    return value
