"""bpf(2): programs are loaded and tried out, maps are made, read and written. No library.

A map's keys and values are octets here, as a program has them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from enum import IntEnum

from agents.kernel import libc
from agents.kernel.bpf import INSTRUCTION_SIZE

_SYSCALL = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _MAP_DELETE, _PROG_LOAD, _TEST_RUN = 0, 1, 2, 3, 5, 10
_PROG_TYPE_SCHED_CLS = 3
_NO_PREALLOCATION = 1
_ATTRIBUTES = 144
_LOG_SIZE = 1 << 20
_ATTEMPTS = 5
_PROGRAM, _MAP = struct.Struct("=IIQQIIQII16s"), struct.Struct("=IIIIIII16s")
_RUN, _ELEMENT = struct.Struct("=IIIIQQI"), struct.Struct("=I4xQQQ")


class MapKind(IntEnum):
    """Kinds of maps, numbered as in linux/bpf.h."""

    HASH = 1
    ARRAY = 2
    PER_CPU_ARRAY = 6


def load(code: bytes, name: str) -> int:
    """Load a traffic control classifier and return its descriptor; OSError has the verifier's log.

    ``name`` (15 characters at most) is what tools show.
    """
    program, license_name = _octets(code), _octets(b"GPL\0")
    log = ctypes.create_string_buffer(_LOG_SIZE)
    kind, count = _PROG_TYPE_SCHED_CLS, len(code) // INSTRUCTION_SIZE
    addresses = ctypes.addressof(program), ctypes.addressof(license_name)
    # Without a log at first: the kernel refuses one that is longer than its room.
    for room in ((0, 0, 0), (1, len(log), ctypes.addressof(log))):
        attributes = _PROGRAM.pack(kind, count, *addresses, *room, 0, 0, name.encode())
        try:
            return _call(_PROG_LOAD, attributes)
        except OSError as error:
            refused = error
    raise OSError(refused.errno, f"{refused.strerror}\n{log.value.decode()}")


def try_out(program: int, data: bytes) -> tuple[int, bytes]:
    """Run a classifier once on an Ethernet frame: what it returns, and the frame afterwards."""
    given, taken = _octets(data), ctypes.create_string_buffer(len(data))
    at = ctypes.addressof(given), ctypes.addressof(taken)
    asked = _RUN.pack(program, 0, len(data), len(data), *at, 1)
    attributes = _octets(asked.ljust(_ATTRIBUTES, b"\0"))
    _system_call(_TEST_RUN, attributes)
    (result,) = struct.unpack_from("=I", attributes.raw, 4)
    return result, taken.raw


class Map:
    """A map of the kernel, which is gone when nobody has it any more."""

    def __init__(self, kind: MapKind, name: str, key: int, value: int, entries: int) -> None:
        """``key``, ``value``: their sizes in octets; ``entries``: how many there may be."""
        flags = _NO_PREALLOCATION if kind is MapKind.HASH else 0
        self._value = value
        made = _MAP.pack(kind, key, value, entries, flags, 0, 0, name.encode())
        self.descriptor = _call(_MAP_CREATE, made)

    def __getitem__(self, key: bytes) -> bytes:
        """The value of a key; KeyError: there is none."""
        value = ctypes.create_string_buffer(self._value)
        try:
            self._do(_MAP_LOOKUP, key, value)
        except FileNotFoundError:
            raise KeyError(key) from None
        return value.raw

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Write a whole value at once; OSError: there are as many as there may be."""
        self._do(_MAP_UPDATE, key, _octets(value))

    def pop(self, key: bytes) -> None:
        """Take a key away, if it is there."""
        try:
            self._do(_MAP_DELETE, key, None)
        except FileNotFoundError:
            return

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    def _do(self, command: int, key: bytes, value: ctypes.Array[ctypes.c_char] | None) -> None:
        octets = _octets(key)
        at = 0 if value is None else ctypes.addressof(value)
        _call(command, _ELEMENT.pack(self.descriptor, ctypes.addressof(octets), at, 0))


def _octets(data: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(data, len(data))


def _call(command: int, attributes: bytes) -> int:
    return _system_call(command, _octets(attributes.ljust(_ATTRIBUTES, b"\0")))


def _system_call(command: int, attributes: ctypes.Array[ctypes.c_char]) -> int:
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"no eBPF for {platform.machine()} machines here")
    for _ in range(_ATTEMPTS):
        try:
            return libc.syscall(number, command, attributes, len(attributes))
        except BlockingIOError:  # the verifier gives way to signals
            continue
    raise OSError(errno.EAGAIN, "the kernel put off loading an eBPF program again and again")
