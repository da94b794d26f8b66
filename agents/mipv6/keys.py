"""RSA keys: signatures under a CGA message type tag, and tokens for one node's eyes only."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TYPE_TAG = bytes.fromhex("5F2705868D6C4C56A2469EBB9B2A2E13")
"""Enhanced Route Optimization's CGA message type tag (RFC 4866 section 7), which keeps its
signatures from meaning anything in another protocol (RFC 3972 section 8)."""

KEY_SIZE = 1024
"""Bits of a key: its CGA parameters fit one option, and RFC 3972 asks for 384 or more."""

default_backend()  # loading it takes 0.1 s: now, and not in the first handover


class KeyPair:
    """A mobile node's RSA key pair."""

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        """The DER-encoded SubjectPublicKeyInfo."""

    @classmethod
    def generate(cls, bits: int = KEY_SIZE) -> KeyPair:
        """A new key pair."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=bits))

    @property
    def signature_size(self) -> int:
        """Octets of a signature."""
        return self._private_key.key_size // 8

    def sign(self, message: bytes) -> bytes:
        """The signature of tag and message: RSASSA-PKCS1-v1_5, SHA-1 (RFC 3972 section 6)."""
        return self._private_key.sign(TYPE_TAG + message, padding.PKCS1v15(), hashes.SHA1())

    def decrypt(self, secret: bytes) -> bytes | None:
        """What was encrypted for this node; None if it was not."""
        try:
            return self._private_key.decrypt(secret, padding.PKCS1v15())
        except ValueError:
            return None


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of a public key has signed the message."""
    key = _rsa(public_key)
    if key is None:
        return False
    try:
        key.verify(signature, TYPE_TAG + message, padding.PKCS1v15(), hashes.SHA1())
    except InvalidSignature:
        return False
    return True


def encrypt(public_key: bytes, secret: bytes) -> bytes:
    """The secret for the owner of the key only: RSAES-PKCS1-v1_5 (RFC 4866 section 4.4).

    The key must have signed something, so that it is one.
    """
    key = _rsa(public_key)
    if key is None:
        raise ValueError("this is no RSA public key")
    return key.encrypt(secret, padding.PKCS1v15())


def _rsa(public_key: bytes) -> rsa.RSAPublicKey | None:
    try:
        key = serialization.load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None
