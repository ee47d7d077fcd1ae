"""The running program: wires, workers and web."""

import os

VERSION = "0.1.0"  # as in pyproject.toml

# Before numpy is imported: a second thread waits for memory and spins, so a search cost three times the processor time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
