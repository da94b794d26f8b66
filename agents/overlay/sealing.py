"""Encryption and authentication of datagrams: AES-GCM under a key that all members share.

Each sender has a key of its own, derived from the shared secret and its identifier, which it draws
anew each time it starts; its counter is the nonce. So no nonce comes twice under one key. What has
a counter that was seen, or that is too old to tell, is refused. What a member of the overlay sends
in another's name is not found out: whoever has the secret is trusted with that (docs/overlay.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agents.overlay.data_path import COUNTERS, DataPath, InPython
from agents.overlay.window import Window
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.overlay import HEADER, NO_KEY, VERSION, MemberId

_IN_CLEAR = bytes((NO_KEY,))
TAG_LENGTH = 16
_SENDERS = 8192
"""Whose keys and counters are remembered; who was silent for longest is forgotten first."""
_NONCE_PREFIX = bytes(4)


class Sealer:
    """Seals what this member sends, and opens what comes.

    ``keys`` are the shared secrets by number (1 to 255); what is sent is sealed with ``current``.
    Without any, nothing is encrypted, and nothing sealed is taken; with some, nothing in clear is.
    ``path``: where counters are drawn.
    """

    def __init__(
        self,
        member: MemberId,
        keys: Mapping[int, bytes],
        current: int,
        path: DataPath | None = None,
    ) -> None:
        self._member = member
        self._path: DataPath = path or InPython()
        self._windows: OrderedDict[MemberId, Window] = OrderedDict()
        self.set_keys(keys, current)

    def set_keys(self, keys: Mapping[int, bytes], current: int) -> None:
        """Other keys from now on; counters go on, so that nothing comes twice."""
        self._secrets = dict(keys)
        self._current = current
        self._opening: OrderedDict[tuple[int, MemberId], AESGCM] = OrderedDict()
        self._sealing = self._derive(current, self._member) if keys else None

    def seal(self, body: bytes) -> bytes:
        """The datagram of a body, which may go to any number of receivers."""
        counter = self._path.draw(COUNTERS, 1) + 1
        header = HEADER.pack(VERSION, self._current, self._member, counter)
        if self._sealing is None:
            return header + body
        return header + self._sealing.encrypt(_NONCE_PREFIX + header[12:], body, header)

    def seal_run(self, framed: Sequence[memoryview]) -> Sequence[bytes | memoryview]:
        """The datagrams of bodies that each have room for the header before them.

        It is written there, and what is not encrypted is not copied.
        """
        first = self._path.draw(COUNTERS, len(framed)) + 1
        for counter, view in enumerate(framed, first):
            HEADER.pack_into(view, 0, VERSION, self._current, self._member, counter)
        if self._sealing is None:
            return framed
        return [self._sealed(view, self._sealing) for view in framed]

    def _sealed(self, framed: memoryview, key: AESGCM) -> bytes:
        header = bytes(framed[: HEADER.size])
        body = bytes(framed[HEADER.size :])
        return header + key.encrypt(_NONCE_PREFIX + header[12:], body, header)

    def open_run(self, datagrams: Sequence[memoryview]) -> Sequence[memoryview | None]:
        """The bodies of datagrams, behind their headers; what they claim is not yet believed.

        None: ``open`` has to look at it.
        """
        if not self._secrets:
            return [view if view[1:2] == _IN_CLEAR else None for view in datagrams]
        return [self._open_framed(view) for view in datagrams]

    def _open_framed(self, datagram: memoryview) -> memoryview | None:
        if len(datagram) < HEADER.size:
            return None
        header = bytes(datagram[: HEADER.size])
        _, number, octets, counter = HEADER.unpack(header)
        sender = MemberId(octets)
        key = self._opening.get((number, sender))
        if key is None or not self.is_ahead(sender, counter):
            return None
        try:
            sealed = bytes(datagram[HEADER.size :])
            body = key.decrypt(_NONCE_PREFIX + header[12:], sealed, header)
        except InvalidTag:
            return None
        return memoryview(bytearray(header + body))

    def is_ahead(self, sender: MemberId, counter: int) -> bool:
        """Whether a sender's counter is higher than all that came of it."""
        window = self._windows.get(sender)
        return window is not None and sender != self._member and window.is_ahead(counter)

    def accept_run(self, sender: MemberId, first: int, count: int) -> None:
        """So many came that were opened, with counters that are ahead, one after another."""
        self._windows[sender].accept_run(first, count)
        self._windows.move_to_end(sender)

    def open(self, datagram: bytes) -> tuple[MemberId, bytes]:
        """The sender and the body of a datagram.

        Raises ``MalformedPacket``, and ``Unauthentic`` for what was changed, replayed, or sealed
        with a key that is not ours.
        """
        if len(datagram) < HEADER.size:
            raise MalformedPacket(f"an overlay datagram of {len(datagram)} octets")
        version, number, octets, counter = HEADER.unpack_from(datagram)
        if version != VERSION:
            raise MalformedPacket(f"overlay version {version}")
        sender = MemberId(octets)
        if sender == self._member:
            raise Unauthentic("a datagram of our own")
        window = self._windows.get(sender)
        if window is not None and not window.is_new(counter):
            raise Unauthentic("a datagram that has come before")
        body = self._open(number, sender, datagram)
        if window is None:
            window = self._windows[sender] = Window()
            if len(self._windows) > _SENDERS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(sender)
        window.accept(counter)
        return sender, body

    def _open(self, number: int, sender: MemberId, datagram: bytes) -> bytes:
        body = datagram[HEADER.size :]
        if number == NO_KEY and not self._secrets:
            return body
        if number not in self._secrets:
            raise Unauthentic(f"no key has the number {number}")
        key = self._opening.get((number, sender)) or self._derive(number, sender)
        header = datagram[: HEADER.size]
        try:
            opened = key.decrypt(_NONCE_PREFIX + header[12:], body, header)
        except InvalidTag:
            raise Unauthentic("not sealed with the key of that number") from None
        if (number, sender) not in self._opening:
            self._opening[number, sender] = key
            if len(self._opening) > _SENDERS:
                self._opening.popitem(last=False)
        return opened

    def _derive(self, number: int, sender: MemberId) -> AESGCM:
        derivation = HKDF(SHA256(), 16, salt=sender, info=b"emu overlay 1")
        return AESGCM(derivation.derive(self._secrets[number]))
