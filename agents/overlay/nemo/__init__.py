"""NEMO (Birrer, Bustamante, MMCN 2005): clusters in layers, whose leaders have co-leaders.

docs/nemo.md says how it works here, and what of that is the paper's.
"""
