"""Drills on their own."""
