"""An assembler for eBPF programs: no compiler. ``agents.kernel.bpf_calls`` loads them.

Instructions and registers are those of the kernel's Documentation/bpf/standardization/
instruction-set.rst: r0 takes results, r1 to r5 arguments, r6 to r9 survive calls, r10 points to the
end of a 512-byte stack. Words are in the host's byte order, which is little-endian.
"""

from __future__ import annotations

import struct
from enum import IntEnum

_INSTRUCTION = struct.Struct("<BBhi")
INSTRUCTION_SIZE = _INSTRUCTION.size

FRAME_POINTER = 10


class Helper(IntEnum):
    """Kernel functions that a program may call, numbered as in linux/bpf.h."""

    MAP_LOOKUP = 1
    SKB_STORE_BYTES = 9
    CLONE_REDIRECT = 13
    REDIRECT = 23
    SKB_LOAD_BYTES = 26
    CSUM_DIFF = 28
    SKB_CHANGE_PROTO = 31
    SKB_CHANGE_HEAD = 43
    SKB_ADJUST_ROOM = 50
    SKB_LOAD_BYTES_RELATIVE = 68
    REDIRECT_NEIGH = 152


class Size(IntEnum):
    """How much a load or a store moves."""

    BYTE = 0x10
    HALF = 0x08
    WORD = 0x00
    DOUBLE = 0x18


class Op(IntEnum):
    """Arithmetic, 64 bits."""

    ADD = 0x00
    SUBTRACT = 0x10
    MULTIPLY = 0x20
    OR = 0x40
    AND = 0x50
    SHIFT_LEFT = 0x60
    SHIFT_RIGHT = 0x70
    EXCLUSIVE_OR = 0xA0


class If(IntEnum):
    """When a jump is taken; numbers have no sign."""

    EQUAL = 0x10
    GREATER = 0x20
    AT_LEAST = 0x30
    DIFFERENT = 0x50
    ANY_OF = 0x40
    """The two have a bit in common."""


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
        self.compute_value(Op.ADD, destination, value)

    def compute(self, op: Op, destination: int, source: int) -> None:
        """Destination = destination op source."""
        self._emit(0x0F | op, destination, source)

    def compute_value(self, op: Op, destination: int, value: int) -> None:
        """Destination = destination op value."""
        self._emit(0x07 | op, destination, value=value)

    def to_network_order(self, destination: int, bits: int = 16) -> None:
        """Keep so many low bits of a register, in network byte order."""
        self._emit(0xDC, destination, value=bits)

    def load(self, destination: int, base: int, offset: int, size: Size) -> None:
        """Destination = what is at base + offset, in host byte order."""
        self._emit(0x61 | size, destination, base, offset)

    def load_byte(self, destination: int, base: int, offset: int) -> None:
        """Destination = the byte at base + offset."""
        self.load(destination, base, offset, Size.BYTE)

    def load_word(self, destination: int, base: int, offset: int) -> None:
        """Destination = the 32 bits at base + offset, in host byte order."""
        self.load(destination, base, offset, Size.WORD)

    def load_map(self, destination: int, descriptor: int) -> None:
        """Destination = a map, for the helpers that take one."""
        self._emit(0x18, destination, 1, value=descriptor)
        self._emit(0)

    def store(self, base: int, offset: int, source: int, size: Size) -> None:
        """What is at base + offset = source."""
        self._emit(0x63 | size, base, source, offset)

    def store_value(self, base: int, offset: int, value: int, size: Size) -> None:
        """What is at base + offset = value (sign-extended from 32 bits)."""
        self._emit(0x62 | size, base, 0, offset, value)

    def store_half(self, base: int, offset: int, source: int) -> None:
        """The 16 bits at base + offset = source."""
        self.store(base, offset, source, Size.HALF)

    def store_words(self, base: int, offset: int, data: bytes) -> None:
        """Write constant bytes, a multiple of four, from base + offset on."""
        for step, (word,) in enumerate(struct.iter_unpack("=i", data)):
            self.store_value(base, offset + 4 * step, word, Size.WORD)

    def copy(self, to: int, to_offset: int, base: int, offset: int, octets: int, by: int) -> None:
        """Copy so many octets (a multiple of four) by way of the register ``by``."""
        done = 0
        while done < octets:
            size, step = (Size.DOUBLE, 8) if octets - done >= 8 else (Size.WORD, 4)
            self.load(by, base, offset + done, size)
            self.store(to, to_offset + done, by, size)
            done += step

    def fetch_add(self, base: int, offset: int, source: int) -> None:
        """Add source to the 64 bits at base + offset; source = what they were. Atomic."""
        self._emit(0xDB, base, source, offset, 0x01)

    def compare_exchange(self, base: int, offset: int, source: int) -> None:
        """The 64 bits at base + offset = source if they are r0; r0 = what they were. Atomic."""
        self._emit(0xDB, base, source, offset, 0xF1)

    def jump(self, label: str) -> None:
        """Jump."""
        self._emit(0x05, offset=label)

    def jump_if(self, condition: If, register: int, other: int, label: str) -> None:
        """Jump if this is so of two registers, 64 bits."""
        self._emit(0x0D | condition, register, other, label)

    def jump_if_value(self, condition: If, register: int, value: int, label: str) -> None:
        """Jump if this is so of the low 32 bits of a register."""
        self._emit(0x06 | condition, register, 0, label, value)

    def jump_if_nothing(self, register: int, label: str) -> None:
        """Jump if a pointer, or any 64 bits, is 0."""
        self._emit(0x15, register, 0, label, 0)

    def jump_unless_equal(self, register: int, value: int, label: str) -> None:
        """Jump if the low 32 bits of a register are not the value."""
        self.jump_if_value(If.DIFFERENT, register, value, label)

    def jump_if_equal(self, register: int, value: int, label: str) -> None:
        """Jump if the low 32 bits of a register are the value."""
        self.jump_if_value(If.EQUAL, register, value, label)

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
