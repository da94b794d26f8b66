"""An assembler and a loader for eBPF programs: no compiler, no library, one system call.

Instructions and registers are those of the kernel's Documentation/bpf/standardization/
instruction-set.rst: r0 takes results, r1 to r5 arguments, r6 to r9 survive calls, r10 points to the
end of a 512-byte stack.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from enum import IntEnum

from agents.kernel import libc

_BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
_BPF_PROG_LOAD = 5
_BPF_PROG_TYPE_SCHED_CLS = 3
_LOAD_ATTRIBUTES = 144
_LOG_SIZE = 1 << 16
_LOAD_ATTEMPTS = 5
_INSTRUCTION = struct.Struct("<BBhi")

FRAME_POINTER = 10


class Helper(IntEnum):
    """Kernel functions that a program may call, numbered as in linux/bpf.h."""

    SKB_STORE_BYTES = 9
    REDIRECT = 23
    SKB_CHANGE_HEAD = 43
    SKB_ADJUST_ROOM = 50
    SKB_LOAD_BYTES_RELATIVE = 68
    REDIRECT_NEIGH = 152


class Assembler:
    """Collects the instructions of one program; jumps go to labels."""

    def __init__(self) -> None:
        self._instructions: list[tuple[int, int, int, int | str, int]] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        """Name the place of the next instruction."""
        self._labels[name] = len(self._instructions)

    def move(self, destination: int, source: int) -> None:
        """Destination = source, 64 bits."""
        self._emit(0xBF, destination, source)

    def move_value(self, destination: int, value: int) -> None:
        """Destination = value (sign-extended from 32 bits)."""
        self._emit(0xB7, destination, value=value)

    def add_value(self, destination: int, value: int) -> None:
        """Destination += value."""
        self._emit(0x07, destination, value=value)

    def to_network_order(self, destination: int) -> None:
        """Keep the low 16 bits of a register, in network byte order."""
        self._emit(0xDC, destination, value=16)

    def load_byte(self, destination: int, base: int, offset: int) -> None:
        """Destination = the byte at base + offset."""
        self._emit(0x71, destination, base, offset)

    def load_word(self, destination: int, base: int, offset: int) -> None:
        """Destination = the 32 bits at base + offset, in host byte order."""
        self._emit(0x61, destination, base, offset)

    def store_half(self, base: int, offset: int, source: int) -> None:
        """The 16 bits at base + offset = source."""
        self._emit(0x6B, base, source, offset)

    def store_words(self, base: int, offset: int, data: bytes) -> None:
        """Write constant bytes, a multiple of four, from base + offset on."""
        for step, (word,) in enumerate(struct.iter_unpack("=i", data)):
            self._emit(0x62, base, 0, offset + 4 * step, word)

    def jump(self, label: str) -> None:
        """Jump."""
        self._emit(0x05, offset=label)

    def jump_unless_equal(self, register: int, value: int, label: str) -> None:
        """Jump if the low 32 bits of a register are not the value."""
        self._emit(0x56, register, 0, label, value)

    def jump_if_equal(self, register: int, value: int, label: str) -> None:
        """Jump if the low 32 bits of a register are the value."""
        self._emit(0x16, register, 0, label, value)

    def call(self, helper: Helper) -> None:
        """r0 = helper(r1, r2, r3, r4, r5)."""
        self._emit(0x85, value=helper)

    def exit(self, value: int | None = None) -> None:
        """End the program with the value, or with what r0 holds."""
        if value is not None:
            self.move_value(0, value)
        self._emit(0x95)

    def assemble(self) -> bytes:
        """The program's byte code."""
        code = b""
        for position, (opcode, destination, source, offset, value) in enumerate(self._instructions):
            if isinstance(offset, str):
                offset = self._labels[offset] - position - 1
            # Immediate values are 32 bits without a sign of their own.
            signed = (value + (1 << 31)) % (1 << 32) - (1 << 31)
            code += _INSTRUCTION.pack(opcode, source << 4 | destination, offset, signed)
        return code

    def _emit(
        self,
        opcode: int,
        destination: int = 0,
        source: int = 0,
        offset: int | str = 0,
        value: int = 0,
    ) -> None:
        self._instructions.append((opcode, destination, source, offset, value))


def load(code: bytes, name: str) -> int:
    """Load a traffic control classifier and return its descriptor; OSError has the verifier's log.

    ``name`` (15 characters at most) is what tools show.
    """
    number = _BPF_SYSCALL.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"no eBPF loader for {platform.machine()} machines")
    program = ctypes.create_string_buffer(code, len(code))
    license_name = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(_LOG_SIZE)
    attributes = struct.pack(
        "=IIQQIIQII16s",
        _BPF_PROG_TYPE_SCHED_CLS,
        len(code) // _INSTRUCTION.size,
        ctypes.addressof(program),
        ctypes.addressof(license_name),
        1,
        len(log),
        ctypes.addressof(log),
        0,
        0,
        name.encode(),
    ).ljust(_LOAD_ATTRIBUTES, b"\0")
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    for _ in range(_LOAD_ATTEMPTS):
        try:
            return libc.syscall(number, _BPF_PROG_LOAD, buffer, len(attributes))
        except BlockingIOError:  # the verifier gives way to signals
            continue
        except OSError as error:
            text = f"{error.strerror}\n{log.value.decode()}"
            raise OSError(error.errno, text) from None
    raise OSError(errno.EAGAIN, "the kernel put off loading an eBPF program again and again")
