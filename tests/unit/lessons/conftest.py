"""The built-in content and scorer, read once."""

from __future__ import annotations

import pytest

from lessons import catalogue
from lessons.catalogue import Catalogue
from lessons.scoring import Scorer


@pytest.fixture(scope="session")
def content() -> Catalogue:
    return catalogue.load()


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer.built_in()
