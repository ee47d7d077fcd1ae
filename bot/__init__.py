"""The running program: wires, workers and web."""
