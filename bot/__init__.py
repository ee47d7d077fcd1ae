"""The running program: wires, workers and web."""

VERSION = "0.1.0"  # as in pyproject.toml
