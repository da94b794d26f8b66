"""The response MAC: who has it has received what was sent to the address in it."""

from __future__ import annotations

import hmac
from hashlib import blake2b
from random import Random

from agents.overlay.amt.config import RelayConfig
from agents.wire.amt import MAC_LENGTH, GatewayAddress

_SECRET_LENGTH = 32


class Secret:
    """The private secret of a relay, replaced from time to time (RFC 7450 section 5.3.6)."""

    def __init__(self, config: RelayConfig, random: Random, now: int) -> None:
        self._config, self._random = config, random
        self._current = random.randbytes(_SECRET_LENGTH)
        self._previous = self._current
        self._changed = now

    def mac(self, gateway: GatewayAddress, nonce: int, now: int) -> bytes:
        """What a gateway has to return."""
        self._replace(now)
        return _mac(self._current, gateway, nonce)

    def verifies(self, mac: bytes, gateway: GatewayAddress, nonce: int, now: int) -> bool:
        """Whether this is what was given out.

        The secret before counts for two query intervals more (section 5.3.3.4).
        """
        self._replace(now)
        if hmac.compare_digest(mac, _mac(self._current, gateway, nonce)):
            return True
        if now - self._changed > 2 * self._config.query_interval:
            return False
        return hmac.compare_digest(mac, _mac(self._previous, gateway, nonce))

    def _replace(self, now: int) -> None:
        if now - self._changed >= self._config.secret_lifetime:
            self._previous, self._changed = self._current, now
            self._current = self._random.randbytes(_SECRET_LENGTH)


def _mac(secret: bytes, gateway: GatewayAddress, nonce: int) -> bytes:
    text = gateway + nonce.to_bytes(4, "big")
    return blake2b(text, digest_size=MAC_LENGTH, key=secret).digest()
