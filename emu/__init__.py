"""An emulation toolkit for distributed mobility management and multicast under mobility."""

__version__ = "0.1.0"
