"""One offline scorer for the tests of the judge, with the shipped weights."""

from __future__ import annotations

import pytest

from lessons.scoring import Scorer


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer.built_in()
