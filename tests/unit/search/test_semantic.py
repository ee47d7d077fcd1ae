"""Vectors of phrasings: kept on disk, limited in number."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lessons.model import Template
from lessons.search import Index, semantic


def test_the_second_start_reads_the_vectors_from_disk(
    templates: tuple[Template, ...], embedder: Any, tmp_path: Path
) -> None:
    first = Index.build(templates, embedder=embedder, cache=tmp_path)
    asked = embedder.asked
    second = Index.build(templates, embedder=embedder, cache=tmp_path)
    assert embedder.asked == asked
    assert first.search("手续费利息全给我退回来") == second.search("手续费利息全给我退回来")


def test_a_changed_text_is_embedded_anew(embedder: Any, tmp_path: Path) -> None:
    semantic.vectors_of(["一"], embedder, tmp_path)
    semantic.vectors_of(["二"], embedder, tmp_path)
    assert embedder.asked == 2


def test_a_damaged_cache_file_is_replaced(embedder: Any, tmp_path: Path) -> None:
    vectors = semantic.vectors_of(["退费", "征信"], embedder, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"PK\x03\x04 not a file")
    assert np.array_equal(semantic.vectors_of(["退费", "征信"], embedder, tmp_path), vectors)


def test_a_cache_that_cannot_be_written_costs_nothing(embedder: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert len(semantic.vectors_of(["退费"], embedder, blocked)) == 1


def test_beyond_the_budget_later_phrasings_go_first(embedder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic, "BUDGET", 4)
    held = semantic.build([["a", "b", "c"], ["d", "e"], []], embedder)
    assert held.phrasings == ("a", "b", "d", "e")
    assert held.nearness(held.vectors[0])[1][2] == -1


def test_the_best_of_each_group() -> None:
    values = np.array([0.1, 0.5, 0.3], dtype=np.float32)
    assert semantic.best_of(values, np.array([0, 2, 2, 3])).tolist() == pytest.approx([0.5, -1, 0.3])
