"""Build the speech corpus that the benchmarks are run on.

    python scripts/build_corpus.py DIR --fetch     # download into DIR, then build DIR/corpus
    python scripts/build_corpus.py DIR             # build again from what DIR holds

The recordings come out of packages on the Python package index and in Debian; see
`corpus_sources.toml`. Needs av, numpy and, for some parts, the programs apt-get, dpkg-deb,
espeak-ng and flite: a part whose program or package is missing is skipped with a message.
`manifest.tsv` in DIR/corpus lists the recordings with their texts and licenses. Most may not be
passed on without conditions: read the columns `license` and `redistributable` first.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.corpus import made as corpus_made
from scripts.corpus import prompts as corpus_prompts
from scripts.corpus import synthetic as corpus_synthetic
from scripts.corpus.builder import Corpus
from scripts.corpus.fetch import MissingSourceError, Sources
from scripts.corpus.sources import items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("corpus")


def parts() -> Iterator[tuple[str, Callable[[Corpus], None]]]:
    """List the steps in order: later ones are made from the rows of earlier ones."""
    for item in items():
        yield item.id, partial(Corpus.add_item, item=item)
    yield "telephone prompts", corpus_prompts.add_prompts
    yield "a G.722 prompt", corpus_prompts.add_g722
    yield "ALSA voices", corpus_prompts.add_alsa
    yield "a long recording", corpus_made.add_long
    yield "a long telephone recording", corpus_made.add_long_phone
    yield "a call", corpus_made.add_call
    yield "two speeches", corpus_made.add_speeches
    yield "containers", corpus_made.add_containers
    yield "sentences by machines", corpus_synthetic.add_samples
    for program in ("espeak-ng", "flite"):
        yield f"words by {program}", partial(corpus_synthetic.add_words, program=program)
    yield "sentences by espeak-ng", corpus_synthetic.add_sentences
    yield "silence and noise", corpus_synthetic.add_edges


def build(corpus: Corpus) -> list[str]:
    """Make every part that can be made; give the names of the others."""
    skipped = []
    for name, part in parts():
        try:
            part(corpus)
        except MissingSourceError as error:
            log.warning("skipped %s: %s", name, error)
            skipped.append(name)
    return skipped


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="build the speech corpus of the benchmarks")
    parser.add_argument("folder", type=Path, metavar="DIR", help="working folder")
    parser.add_argument("--fetch", action="store_true", help="download the packages first")
    parser.add_argument("-v", "--verbose", action="store_true", help="name every program run")
    args = parser.parse_args()
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    log.setLevel(level)
    folder: Path = args.folder.resolve()
    sources = Sources(folder)
    if args.fetch:
        sources.fetch()
    if not sources.unpacked.is_dir():
        parser.error(f"nothing was downloaded into {str(args.folder)!r} yet: add --fetch")
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
