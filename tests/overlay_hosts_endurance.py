"""A stream over an overlay for long, on real hosts: who stays gets every packet, just once.

``python -m tests.overlay_hosts_endurance --minutes 30``: 100 packets a second to 64 receivers, each
a network namespace with a member as users start it; half of them come and go all the time, and
there is a new key every five minutes. It ends with 1 if anything was wrong. Root.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.kernel.overlay_hosts import Host, Listener, unicast_only
from tests.overlay_endurance import RATE, RECEIVERS, secret
from tests.patience import eventually

GROUP = "ff0e::64"
_CHANGE_S, _REKEY_S, _STAGE_S = 2, 300, 3
_LATE_S = 2
"""A packet may be on its way for so long."""


def main() -> int:
    """Run it; how the command ends."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.overlay_hosts_endurance", description=__doc__
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--receivers", type=int, default=RECEIVERS)
    parser.add_argument("--rekey", type=int, default=_REKEY_S, help="between new keys, s (300)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seconds = int(options.minutes * 60)
    wrong = run(seconds, options.receivers, options.rekey, options.seed)
    print(
        f"{options.minutes:g} min, {options.receivers} receivers, {len(wrong)} faults",
        *wrong,
        sep="\n  ",
    )
    return 1 if wrong else 0


def run(seconds: int, receivers: int, rekey_s: int = _REKEY_S, seed: int = 1) -> list[str]:
    """What was wrong within so much time; the first half of the receivers stay."""
    random = Random(seed)
    with _overlay(receivers) as (sender, *hosts):
        stay = hosts[: (receivers + 1) // 2]
        listeners: dict[Host, Listener] = {host: host.listen(GROUP) for host in hosts}
        eventually(lambda: _all_want(sender, receivers))
        sent: list[bytes] = []
        wrong: list[str] = []
        begun = time.monotonic()
        for second in range(seconds):
            _rekey([sender, *hosts], second % rekey_s, 1 + second // rekey_s)
            if second % _CHANGE_S == 0 and len(stay) < receivers:
                wrong += _come_or_go(random.choice(hosts[len(stay) :]), listeners)
            packets = [b"%d of %d" % (number, second) for number in range(RATE)]
            sender.send(GROUP, packets, pause=0.8 / RATE)
            sent += packets
            for listener in listeners.values():
                listener.read()
            time.sleep(max(0.0, begun + second + 1 - time.monotonic()))
        deadline = time.monotonic() + _LATE_S
        while time.monotonic() < deadline and any(
            len(listeners[host].read()) < len(sent) for host in stay
        ):
            time.sleep(0.1)
        for host, listener in listeners.items():
            wrong += _faults(host, listener, sent if host in stay else [])
        return wrong


def _faults(host: Host, listener: Listener, due: list[bytes]) -> Iterator[str]:
    """What came twice to a receiver, and what of all that is due did not come."""
    got = Counter(listener.read())
    twice = sum(number > 1 for number in got.values())
    lacking = len(set(due) - got.keys())
    if twice or lacking:
        yield f"n{host.number}: {lacking} of {len(due)} are lacking, {twice} came twice"
    listener.close()


@contextmanager
def _overlay(receivers: int) -> Iterator[list[Host]]:
    """The sender and the receivers, which all know each other."""
    with TemporaryDirectory() as folder, unicast_only(receivers + 1, Path(folder)) as hosts:
        for host in hosts:
            host.start(keys={1: secret(1).decode()})
        eventually(lambda: all(host.knows() == receivers for host in hosts))
        yield hosts


def _all_want(sender: Host, receivers: int) -> bool:
    return receivers <= sum(GROUP in member["groups"] for member in sender.status()["members"])


def _come_or_go(host: Host, listeners: dict[Host, Listener]) -> list[str]:
    """What was wrong with one that goes; who comes again is a new listener."""
    if host in listeners:
        return list(_faults(host, listeners.pop(host), []))
    listeners[host] = host.listen(GROUP)
    return []


def _rekey(hosts: list[Host], second: int, number: int) -> None:
    """In three steps: all have the new key, all use it, nobody has the old one."""
    old, new = ({n: secret(n).decode()} for n in (number, number + 1))
    steps = {
        _STAGE_S: ({**old, **new}, number),
        2 * _STAGE_S: ({**old, **new}, number + 1),
        3 * _STAGE_S: (new, number + 1),
    }
    if second in steps:
        keys, current = steps[second]
        for host in hosts:
            host.rewrite(keys=keys, send_with=current)
            host.notify(signal.SIGHUP)


if __name__ == "__main__":
    sys.exit(main())
