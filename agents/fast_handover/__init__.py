"""Fast handovers: what a node listens to goes ahead of it (RFC 5949, RFC 7411)."""
