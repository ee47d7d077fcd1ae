"""The shipped table of readings is what pypinyin gives."""

from lessons.search import readings


def test_the_table_is_the_one_that_would_be_made_today() -> None:
    assert readings.FILE.read_text(encoding="utf-8") == readings.table()


def test_it_holds_syllables_characters_and_phrases() -> None:
    held = readings.load()
    assert {"zhang", "lv", "an"} <= held.syllables
    assert held.characters["费"] == "fei"
    assert held.phrases["银行"] == ("yin", "hang")
