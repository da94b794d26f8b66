"""Automatic Multicast Tunneling (RFC 7450): a gateway joins groups at a relay, which has multicast.

These are the tunnel's own matters: who is there, who asked, who may. What IGMP and MLD say in it is
the business of ``agents.multicast``; ``agents.roles.amt_gateway`` and ``amt_relay`` join the two.
"""
