"""MLD and MLD proxies: who listens to what, whom to ask for it, and where to forward it."""
