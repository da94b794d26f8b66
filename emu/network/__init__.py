"""The network: addresses, routes and link qualities on Mininet hosts."""
