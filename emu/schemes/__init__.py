"""The mobility schemes, a folder each, which declares the scheme (docs/schemes.md)."""
