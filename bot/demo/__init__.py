"""The demo: an invented organisation, four past weeks, and a clock that jumps."""

from bot.demo.stage import Stage

__all__ = ["Stage"]
