"""Benchmarks: how fast and how safe the real program is, each beside a named baseline of the same run. One file each.

A benchmark is a module with `async def run(options, progress) -> Report`; the table of them is in `bot/cli/bench.py`.
"""
