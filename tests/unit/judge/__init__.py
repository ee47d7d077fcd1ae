"""The model judge without its wire."""
