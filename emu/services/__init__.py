"""Services: the servers of a scenario and their users, real programs on its nodes.

A kind of service is a module with a `emu.services.kind.Kind`; `emu.services.kinds` lists them.
"""
