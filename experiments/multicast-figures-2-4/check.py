"""Holds a record of this experiment against the paper's section III.B; status 1 if they differ.

    .venv/bin/python experiments/multicast-figures-2-4/check.py [RECORD]

Membership records after each step are the paper's tuples, (upstream interface, source, group,
number of listeners, listeners, local sources); the kernel's forwarding entries agree with them; and
the messages of MN1's handover come in the order of figures 3 and 5. Without RECORD the newest one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from emu import records, terminal
from emu.measure import messages
from emu.measure.run import runs_of
from emu.records import RecordError

SCENARIO = Path(__file__).with_name("scenario.yaml")
NAME = "multicast-figures-2-4"
Tuples = set[tuple[str, str, str, int, tuple[str, ...], tuple[str, ...]]]

NAMES = {f"2001:db8:5e00:{n}::2": f"S{n}" for n in (1, 2, 3)} | {
    "ff3e::c1": "G1",
    "ff0e::c2": "G2",
    "ff3e::c3": "G3",
}
INITIAL: dict[str, Tuples] = {
    "mar1": {("mar1-core", "S1", "G1", 1, ("mn1",), ())},
    "mar2": {("mar2-core", "S2", "G2", 1, ("mn2",), ())},
    "mar3": {
        ("mar3-core", "S1", "G1", 1, ("mn3",), ()),
        ("mar3-core", "*", "G2", 1, ("mn3",), ()),
        ("mar3-core", "S3", "G3", 1, ("mn3",), ()),
    },
}
AFTER_MN1: dict[str, Tuples] = {
    "mar2": {
        ("tun-mar1", "S1", "G1", 1, ("mn1",), ()),
        ("mar2-core", "S2", "G2", 1, ("mn2",), ()),
    },
    "mar3": INITIAL["mar3"],
}
AFTER_MN3: dict[str, Tuples] = {
    "mar2": {
        ("tun-mar1", "S1", "G1", 2, ("mn1", "mn3"), ()),
        ("mar2-core", "*", "G2", 2, ("mn2", "mn3"), ()),
        ("mar2-core", "S3", "G3", 1, ("mn3",), ()),
    },
    "mar3": set(),
}
STEPS = (
    ("figure 2, the initial stage", 0, INITIAL),
    ("figure 3, MN1 is at MAR2", 1, AFTER_MN1),
    ("figure 4, MN3 is at MAR2", 2, AFTER_MN3),
)
HANDOVER = (
    ("PBU", "mar1", "cmd"),  # MN1 left: its subscriptions
    ("PBU", "mar2", "cmd"),  # MN1 came
    ("PBA", "cmd", "mar2"),  # the previous MAR, and the subscriptions
    ("Channel Query", "mar2", "cmd"),
    ("Channel Response", "cmd", "mar2"),  # C1 is remote
    ("MLD report", "mar2", "mar1"),  # through the tunnel
)
"""Figures 3 and 5, in this order; the CMD is also the MCC."""
BESIDE = {
    ("PBA", "cmd", "mar1"),  # the answer to MN1's subscriptions
    ("PBU", "cmd", "mar1"),  # where MN1 is now: MAR1 makes its end of the tunnel
    ("PBA", "mar1", "cmd"),
}
"""What goes on at the same time, for unicast; there is no other message of these kinds."""
KINDS = {kind for kind, _, _ in HANDOVER} - {"MLD report"}


def state(run: dict[str, Any], router: str, step: int) -> dict[str, Any]:
    """A router's last snapshot before the handover after this step, or before the end."""
    ends = [handover["at_s"] for handover in run["handovers"]]
    end = ends[step] if step < len(ends) else ends[-1] + 3
    earlier = [one for one in run["membership_history"][router] if one["at_s"] < end]
    found: dict[str, Any] = earlier[-1]
    return found


def tuples(snapshot: dict[str, Any]) -> Tuples:
    """A snapshot's membership records as the paper writes them."""
    return {
        (
            record["upstream"],
            NAMES.get(record["source"], "*"),
            NAMES[record["group"]],
            len(record["listeners"]),
            tuple(sorted(record["listeners"])),
            tuple(record["local_sources"]),
        )
        for record in snapshot["records"]
    }


def kernel_differs(snapshot: dict[str, Any], router: str) -> list[str]:
    """What the kernel forwards to mobile nodes, and the records do not say, or the reverse."""
    told = {(one["upstream"], one["source"], one["group"]) for one in snapshot["records"]}
    forwarded = {
        (entry["incoming"], entry["source"], entry["group"])
        for entry in snapshot["kernel"]
        if f"{router}-radio" in entry["outgoing"]
    }
    # A record of any source stands for each one that sends.
    by_any = {one for one in forwarded if (one[0], None, one[2]) in told}
    as_told = forwarded - by_any | {(link, None, group) for link, _, group in by_any}
    return [f"the kernel of {router} has {sorted(forwarded)}"] if told != as_told else []


def sequence(record: Path, start_s: float, end_s: float) -> list[str]:
    """The first message of the handover that did not come in its turn, and those too many."""
    (run,) = runs_of(record)
    sent = [
        (transfer.message.type, transfer.sender, receiver)
        for transfer in messages.of_run(run)
        if start_s <= run.seconds(transfer.sent_ns) < end_s
        for receiver, _ in transfer.receipts
    ]
    left = iter(sent)
    missing = [wanted for wanted in HANDOVER if wanted not in left]
    more = {one for one in sent if one[0] in KINDS} - {*HANDOVER, *BESIDE}
    problems = [f"not in its turn: {missing[0]}"] if missing else []
    return problems + [f"not in the figures: {one}" for one in sorted(more)]


def check(record: Path) -> list[str]:
    """All that differs from the paper."""
    (run,) = records.read(record)["runs"]
    problems = []
    for title, step, expected in STEPS:
        for router, wanted in expected.items():
            snapshot = state(run, router, step)
            if tuples(snapshot) != wanted:
                problems.append(f"{title}: {router} has {sorted(tuples(snapshot))}")
            problems += [f"{title}: {text}" for text in kernel_differs(snapshot, router)]
    first, second = (handover["at_s"] for handover in run["handovers"])
    problems += sequence(record, first, second)
    return problems


def main() -> int:
    """Prints the tables and the verdict."""
    terminal.take_over()
    given = sys.argv[1] if len(sys.argv) > 1 else "results/multicast-figures-2-4/latest"
    record = records.find(given, Path("results"))
    try:
        found = records.read(record)
    except RecordError as error:
        sys.exit(f"{error}\nsudo python -m emu run {SCENARIO} makes a record")
    if found["scenario"].get("name") != NAME or found.get("interrupted"):
        sys.exit(f"{record}: is not the record of a whole run of {SCENARIO}")
    problems = check(record)
    for title, _, expected in STEPS:
        print(title)
        for router, wanted in expected.items():
            for one in sorted(wanted):
                print(f"  {router}  {one}")
    print("\n".join(problems) or "the record says the same, and the messages come in this order:")
    if not problems:
        print(", ".join(f"{kind} {sender} → {to}" for kind, sender, to in HANDOVER))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
