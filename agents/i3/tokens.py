"""Tokens: who has one receives at the endpoint for which it was made, or did not long ago."""

from __future__ import annotations

import hmac

from agents.core import SECOND
from agents.wire.i3 import TOKEN_LENGTH, Endpoint

EPOCH = 600 * SECOND
"""A token is good in the epoch in which it was made, and in the next; ns."""


class Tokens:
    """Makes and checks tokens without remembering any."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, endpoint: Endpoint, now: int) -> bytes:
        """What only the server, and who receives at the endpoint, can know."""
        return self._of(endpoint, now // EPOCH)

    def is_good(self, token: bytes, endpoint: Endpoint, now: int) -> bool:
        """Whether a token was made for this endpoint lately."""
        epoch = now // EPOCH
        return self._is_of(token, endpoint, epoch) or self._is_of(token, endpoint, epoch - 1)

    def _is_of(self, token: bytes, endpoint: Endpoint, epoch: int) -> bool:
        return hmac.compare_digest(token, self._of(endpoint, epoch))

    def _of(self, endpoint: Endpoint, epoch: int) -> bytes:
        message = endpoint + epoch.to_bytes(8, "big", signed=True)
        return hmac.digest(self._secret, message, "sha256")[:TOKEN_LENGTH]
