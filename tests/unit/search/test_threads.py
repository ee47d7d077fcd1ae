"""The program multiplies matrices in one thread, unless it was told otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASK = """
import bot.app
import threadpoolctl
print({pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"})
"""


@pytest.mark.parametrize("told", [None, "2"])
def test_one_thread_unless_told(told: str | None) -> None:
    """OpenBLAS reads the variable once, when numpy is imported; it never takes more threads than there are cores."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {"OPENBLAS_NUM_THREADS": told} if told else {}
    found = subprocess.run([sys.executable, "-c", _ASK], env=environment, capture_output=True, text=True, check=True)
    wanted = min(int(told or 1), len(os.sched_getaffinity(0)))
    assert found.stdout.strip() == f"{{{wanted}}}"
