"""The built-in content, read once."""

from __future__ import annotations

import pytest

from lessons import catalogue
from lessons.catalogue import Catalogue


@pytest.fixture(scope="session")
def content() -> Catalogue:
    return catalogue.load()
