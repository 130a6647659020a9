"""Build the speech corpus that the benchmarks run on.

    python -m scripts.corpus DIR --fetch     # download into DIR, then build DIR/corpus
    python -m scripts.corpus DIR             # rebuild from the downloads in DIR

The recordings come from packages on the Python package index and in Debian; see `sources.toml`.
Needs av, numpy and, for some parts, the programs apt-get, dpkg-deb, espeak-ng and flite: a part
whose program or package is missing is skipped with a message. `manifest.tsv` in DIR/corpus lists
the recordings with their texts and licenses. Most may not be redistributed without conditions:
read the columns `license` and `redistributable` first.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.corpus import made, prompts, synthetic
from scripts.corpus.builder import Corpus
from scripts.corpus.fetch import MissingSourceError, Sources
from scripts.corpus.sources import items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("corpus")


def parts() -> Iterator[tuple[str, Callable[[Corpus], None]]]:
    """Yield the steps in order: later ones build on the rows of earlier ones."""
    for item in items():
        yield item.id, partial(Corpus.add_item, item=item)
    yield "telephone prompts", prompts.add_prompts
    yield "a G.722 prompt", prompts.add_g722
    yield "ALSA voices", prompts.add_alsa
    yield "a long recording", made.add_long
    yield "a long telephone recording", made.add_long_phone
    yield "a call", made.add_call
    yield "two speeches", made.add_speeches
    yield "containers", made.add_containers
    yield "sentences by machines", synthetic.add_samples
    for program in ("espeak-ng", "flite"):
        yield f"words by {program}", partial(synthetic.add_words, program=program)
    yield "sentences by espeak-ng", synthetic.add_sentences
    yield "silence and noise", synthetic.add_edges


def build(corpus: Corpus) -> list[str]:
    """Build every part that can be built; return the names of the others."""
    skipped: list[str] = []
    for name, part in parts():
        try:
            part(corpus)
        except MissingSourceError as error:
            log.warning("skipped %s: %s", name, error)
            skipped.append(name)
    return skipped


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser("scripts.corpus", description="build the benchmarks' corpus")
    parser.add_argument("folder", type=Path, metavar="DIR", help="working folder")
    parser.add_argument("--fetch", action="store_true", help="download the packages first")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="log every program that is run"
    )
    args = parser.parse_args()
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    log.setLevel(level)
    folder: Path = args.folder.resolve()
    sources = Sources(folder)
    if args.fetch:
        sources.fetch()
    if not sources.unpacked.is_dir():
        parser.error(f"nothing was downloaded into {str(args.folder)!r}: add --fetch")
    shutil.rmtree(folder / "corpus", ignore_errors=True)
    corpus = Corpus(folder / "corpus", sources)
    skipped = build(corpus)
    corpus.write_manifest()
    print(corpus.summary())
    if skipped:
        print(f"{len(skipped)} parts skipped, see above", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
