"""The content in force: loaded as a whole, replaced as a whole when files change, never half of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from bot.core.errors import ContentError
from bot.core.log import note
from lessons import catalogue as content
from lessons.catalogue import Catalogue
from lessons.scoring.embed import Embedder
from lessons.search import Index, smalltalk, synonyms

log = logging.getLogger(__name__)


Stamp = tuple[tuple[str, int, int], ...]
"""Name, size and time of every content file."""


@dataclass(frozen=True)
class Edition:
    """A catalogue with the search index that belongs to it."""

    catalogue: Catalogue
    index: Index


class ContentLibrary:
    """Holds the current edition. `faults` are those of a newer one that could not be used.

    With `quick` the first edition compares no meanings: on a machine without a cache their vectors take seconds, and
    a bot can answer meanwhile. The first `refresh` makes them.
    """

    def __init__(
        self, folder: Path, embedder: Embedder | None, cache: Path | None = None, *, quick: bool = False
    ) -> None:
        self.folder = folder
        self._embedder = embedder
        self._cache = cache
        self._seen: Stamp = () if quick and embedder else self._stamp()
        self._edition = self._read(None if quick else embedder)
        self.faults: tuple[str, ...] = ()

    @property
    def catalogue(self) -> Catalogue:
        return self._edition.catalogue

    @property
    def index(self) -> Index:
        return self._edition.index

    async def refresh(self) -> bool:
        """Use the files' new state if they changed and are faultless; True when the edition is a new one."""
        stamp = await asyncio.to_thread(self._stamp)
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            edition = await asyncio.to_thread(self._read, self._embedder)
        except ContentError as error:
            self.faults = tuple(str(fault) for fault in error.faults)
            note(log, "content.refused", "new content has faults; the last good one stays", logging.ERROR)
            for fault in self.faults[:20]:
                note(log, "content.fault", fault, logging.ERROR)
            return False
        self.faults = ()
        self._edition = edition
        note(log, "content.loaded", "new content is in force", lessons=len(edition.catalogue.lessons))
        return True

    def _read(self, embedder: Embedder | None) -> Edition:
        catalogue = content.load(self.folder)
        words = synonyms.load(self.folder / "synonyms.yaml")
        templates, lessons = catalogue.templates.values(), catalogue.lessons.values()
        chitchat = smalltalk.load(self.folder)
        return Edition(catalogue, Index.build(templates, lessons, words, embedder, self._cache, chitchat))

    def _stamp(self) -> Stamp:
        """Names, sizes and times of the files; changes when any of them does."""
        written = (path for path in self.folder.rglob("*.y*ml") if "graded" not in path.parts)
        files = sorted([*written, *self.folder.glob(smalltalk.NAME)])
        return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
