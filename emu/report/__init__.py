"""The report of a record: one self-contained page and its figures."""

from emu.report.page import build

__all__ = ["build"]
