"""Delivery rows → platform calls: what is owed is sorted into calls, and each call is carried out by some worker."""

from bot.delivery.calls import Call, Office
from bot.delivery.courier import Courier

__all__ = ["Call", "Courier", "Office"]
