"""The few libc calls that Python's standard library (3.10) does not have."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNET, _CLONE_NEWNS = 0x40000000, 0x20000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29
_LIBC = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> int:
    """Return the result of a libc call, or raise the OSError that errno holds after it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def unshare_network() -> None:
    """Put the calling thread into a new, empty network namespace."""
    check(_LIBC.unshare(CLONE_NEWNET))


def unshare_mounts() -> None:
    """Give this process mounts of its own: what it mounts is seen by it and its children only."""
    check(_LIBC.unshare(_CLONE_NEWNS))
    check(_LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))


def enter_network(descriptor: int) -> None:
    """Put the calling thread into the network namespace that the file descriptor stands for."""
    check(_LIBC.setns(descriptor, CLONE_NEWNET))


def set_parent_death_signal(signal: int) -> None:
    """Have the kernel send this process the signal when its parent dies."""
    check(_LIBC.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0))


def set_timer_slack(nanoseconds: int) -> None:
    """Let the calling thread's timers expire at most this much late (the default is 50 µs)."""
    check(_LIBC.prctl(_PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0))


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by its number."""
    return check(_LIBC.syscall(number, *arguments))


class _TimeSpecification(ctypes.Structure):
    """Linux struct itimerspec: interval and first expiry, each in seconds and nanoseconds."""

    _fields_ = [
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("expiry_s", ctypes.c_long),
        ("expiry_ns", ctypes.c_long),
    ]


class Timer:
    """A timerfd on CLOCK_MONOTONIC: a high-resolution timer that epoll can wait for."""

    _CLOCK_MONOTONIC = 1
    _ABSOLUTE = 1

    def __init__(self) -> None:
        flags = os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = check(_LIBC.timerfd_create(self._CLOCK_MONOTONIC, flags))
        self._specification = _TimeSpecification()
        self._pointer = ctypes.byref(self._specification)

    def fileno(self) -> int:
        """The descriptor, readable from the expiry until the timer is set anew."""
        return self._descriptor

    def set(self, deadline: int) -> None:
        """Expire at this monotonic time in ns; 0 disarms the timer."""
        specification = self._specification
        specification.expiry_s, specification.expiry_ns = divmod(deadline, 1_000_000_000)
        check(_LIBC.timerfd_settime(self._descriptor, self._ABSOLUTE, self._pointer, None))

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)
