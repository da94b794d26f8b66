"""An anchor's part of the security: it answers tests, and believes only updates that are proven."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from agents.mipv6 import cga, keys
from agents.mipv6.return_routability import (
    UNFILLED,
    KeygenTokens,
    authenticate,
    binding_management_key,
    is_authentic,
)
from agents.mipv6.security import Security, registered, signed_data, signed_parameters
from agents.wire.errors import MalformedPacket
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTest,
    HomeTest,
    Status,
)
from agents.wire.mobility_options import (
    CgaParameters,
    NonceIndices,
    PermanentHomeKeygenToken,
)
from agents.wire.routability_tests import TestInit


class Verifier:
    """Verifies what mobile nodes claim. ``secret``, 20 random octets, never leaves the node."""

    def __init__(self, security: Security, address: IPv6Address, secret: bytes) -> None:
        self.security = security
        self._address = address
        self._tokens = KeygenTokens(secret)

    def answer(self, message: TestInit, source: IPv6Address, now: int) -> HomeTest | CareOfTest:
        """The answer to a test."""
        return self._tokens.answer(message, source, now)

    def verify(
        self, update: BindingUpdate, home: IPv6Address, care_of: IPv6Address, now: int
    ) -> Status | None:
        """ACCEPTED, or the status to refuse the update with; None: drop it without a word.

        A forged authenticator gets no answer (RFC 6275 section 9.5.1), and its signature is not
        looked at (RFC 4866 section 4.6).
        """
        permanent = self._is_permanent(update)
        if permanent and not self.security.permanent_keygen_token:
            return Status.PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE
        if permanent or self.security.return_routability:
            key = self._key(update, home, care_of, now)
            if not isinstance(key, bytes):
                return key
            if not is_authentic(update, key, registered(update, home, care_of), self._address):
                return None
        if self.security.cga and not permanent and not self._is_signed(update, home, care_of):
            return Status.CGA_AND_SIGNATURE_VERIFICATION_FAILED
        return Status.ACCEPTED

    def acknowledge(
        self,
        answer: BindingAcknowledgement,
        update: BindingUpdate,
        home: IPv6Address,
        care_of: IPv6Address,
        now: int,
    ) -> BindingAcknowledgement:
        """The answer to a verified update, proven: with the permanent token, if it earned one."""
        earned = answer.accepted and not self._is_permanent(update)
        if self.security.permanent_keygen_token and earned:
            structure = CgaParameters.join(update.all(CgaParameters))
            public_key = cga.Parameters.decode(structure).public_key
            token = keys.encrypt(public_key, self._tokens.permanent(home))
            option = PermanentHomeKeygenToken(token)
            answer = replace(answer, options=(*answer.options, option))
        if update.option(NonceIndices) is None:
            return answer
        key = self._key(update, home, care_of, now)
        assert isinstance(key, bytes), "the update was verified"
        answer = replace(answer, options=(*answer.options, UNFILLED))
        return authenticate(answer, key, registered(update, home, care_of), self._address)

    @staticmethod
    def _is_permanent(update: BindingUpdate) -> bool:
        indices = update.option(NonceIndices)
        return indices is not None and indices.home == 0

    def _is_signed(self, update: BindingUpdate, home: IPv6Address, care_of: IPv6Address) -> bool:
        found = signed_parameters(update)
        if found is None:
            return False
        structure, signature = found
        try:
            parameters = cga.Parameters.decode(structure)
        except MalformedPacket:
            return False
        data = signed_data(update, care_of, self._address)
        return cga.verify(home, parameters) and keys.is_signed(
            parameters.public_key, data, signature
        )

    def _key(
        self, update: BindingUpdate, home: IPv6Address, care_of: IPv6Address, now: int
    ) -> bytes | Status | None:
        """Kbm; or the status, if it is made of nonces that have expired; None without indices."""
        indices = update.option(NonceIndices)
        if indices is None:
            return None
        permanent = indices.home == 0
        home_token = (
            self._tokens.permanent(home)
            if permanent
            else self._tokens.home(home, indices.home, now)
        )
        care_of_token: bytes | None = b""
        if self.security.return_routability and update.lifetime and care_of != home:
            care_of_token = self._tokens.care_of(care_of, indices.care_of, now)
        if home_token is None:
            expired = care_of_token is None
            return Status.EXPIRED_NONCES if expired else Status.EXPIRED_HOME_NONCE_INDEX
        if care_of_token is None:
            return Status.EXPIRED_CARE_OF_NONCE_INDEX
        return binding_management_key(home_token, care_of_token)
