"""Servers that speak the vendors' wires on port 0, stricter than the documents."""
