"""Hierarchical Mobile IPv6 (RFC 5380): mobility anchor points between mobile nodes and home agents.

The *regional care-of address* (RCoA) is of the mobility anchor point (MAP), the *on-link care-of
address* (LCoA) of the access router.
"""
