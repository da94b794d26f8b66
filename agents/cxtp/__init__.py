"""Context transfer between access routers by CXTP (RFC 4067)."""
