"""Fast handovers for Proxy Mobile IPv6 (RFC 5949): MAGs hand mobile nodes over to each other."""
