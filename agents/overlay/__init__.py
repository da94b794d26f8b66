"""Overlays that carry IP multicast over unicast UDP (docs/overlay.md).

``interface`` is what every one of them is to the daemon; ``member`` is the protocol of our own.
"""
