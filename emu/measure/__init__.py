"""Measurement: captures while a run goes on; afterwards everything that the record says."""
