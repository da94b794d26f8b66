"""The overlay protocols that a member may speak, a file each (docs/overlay-protocols.md)."""
