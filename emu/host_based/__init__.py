"""What the schemes have in common in which the mobile node sends Binding Updates itself."""

PROGRAMS = {
    "mar": ["agents.roles.access_router"],
    "mn": ["agents.roles.mobile_node"],
    "server": ["agents.roles.correspondent"],
}
"""The agents, by the roles of nodes."""
