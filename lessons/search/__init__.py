"""Finding the right template while a customer waits: characters, synonyms, pinyin, initials and meaning."""

from lessons.search.index import Hit, Index
from lessons.search.synonyms import Synonyms

__all__ = ["Hit", "Index", "Synonyms"]
