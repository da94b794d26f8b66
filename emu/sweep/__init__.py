"""Sweeps: one scenario under every combination of some values and seeds, into one table."""
