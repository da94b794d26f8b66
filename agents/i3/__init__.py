"""The Internet Indirection Infrastructure, and multicast trees that end hosts build on it.

Lakshminarayanan, Rao, Stoica, Shenker: "End-host controlled multicast routing". The infrastructure
forwards packets along triggers; end hosts put the triggers there and look after them.
"""
