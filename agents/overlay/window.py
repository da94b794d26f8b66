"""Which numbers of a sender came: a window behind the highest one."""

from __future__ import annotations

_WINDOW = 4096


class Window:
    """Which counters of one sender came: the newest, and of those up to 4096 before it, which."""

    def __init__(self) -> None:
        self._highest = -1
        self._seen = 0

    def is_new(self, counter: int) -> bool:
        """Whether it has not come yet, and is not too old to tell."""
        behind = self._highest - counter
        return behind < 0 or (behind < _WINDOW and not self._seen >> behind & 1)

    def before(self, counter: int, number: int) -> int:
        """Which of so many before a counter came: bit n stands for ``counter - 1 - n``."""
        behind = self._highest - counter + 1
        bits = self._seen >> behind if behind >= 0 else self._seen << -behind
        return bits & ((1 << number) - 1)

    def accept(self, counter: int) -> None:
        """Remember that it came."""
        if counter > self._highest:
            self.accept_run(counter, 1)
        else:
            self._seen |= 1 << self._highest - counter

    def is_ahead(self, counter: int) -> bool:
        """Whether it is higher than all that came: so are those that follow it."""
        return counter > self._highest

    def accept_run(self, first: int, count: int) -> None:
        """Remember that so many came, one after another, all ahead."""
        last = first + count - 1
        ahead = last - self._highest
        kept = self._seen << ahead if ahead < _WINDOW else 0
        self._seen = (kept | (1 << count) - 1) & ((1 << _WINDOW) - 1)
        self._highest = last
