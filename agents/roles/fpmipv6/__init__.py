"""Fast handovers for Proxy Mobile IPv6 (RFC 5949)."""
