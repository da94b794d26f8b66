"""Every mobility scheme against the HDMM paper's equations.

    sudo python experiments/hdmm-comparison/compare.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/hdmm-comparison``: ``comparison.md``
and ``comparison.csv`` (a row a scheme, delays and number of previous DARs), ``binding.svg``
(measured against predicted) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.analysis import hdmm
from emu.analysis.hdmm import Scheme
from emu.sweep.canvas import drawing, look
from emu.sweep.experiment import bindings, experiment, interval, tabulate

PREVIOUS = {"mar2": 1, "mar3": 2, "mar4": 3}
"""Previous DARs whose prefixes are in use, by the DAR to which the mobile node comes."""
DARS = 4
HOME_DARS = 3
"""Of the operator at home in ``hybrid``: the last handover is to another one's."""
TO_CMD, BETWEEN_DARS, WIRELESS = 1, 2, 1
"""Hops in the topology; the equations' link factors are 1."""
SCHEMES = {
    "pmipv6": Scheme.PMIPV6,
    "mipv6": Scheme.MIPV6,
    "client": Scheme.CLIENT,
    "client-secured": Scheme.CLIENT,
    "relay": Scheme.RELAY,
    "locator": Scheme.LOCATOR,
    "proxy": Scheme.PROXY,
    "distributed": Scheme.FULLY,
    "mih": Scheme.FULLY,
}
COLUMNS = (
    *("scheme", "delays", "previous", "runs", "handovers"),
    *("binding_ms", "equation_ms", "within"),
    *("binding_ms_mean", "binding_ms_low", "binding_ms_high"),
    *("messages", "equation_messages", "beside_messages"),
    *("hops", "equation_hops", "beside_hops"),
    *("old_delay_ms", "new_delay_ms", "old_overhead_bytes", "new_overhead_bytes"),
)
TOLERANCE, SLACK_MS = 0.10, 2.0
"""How far the median of T_binding may be from the equation."""


def scheme_of(name: str, n: int) -> Scheme:
    """The paper's scheme that acts in a handover with ``n`` previous DARs."""
    if name.startswith("hybrid"):
        return Scheme.PROXY if n < HOME_DARS else Scheme.CLIENT
    return SCHEMES[name]


def equation_cost(name: str, n: int) -> tuple[float, float]:
    """Messages and weighted hops of a handover with ``n`` previous DARs, equations 4 to 10."""
    scheme, secured = scheme_of(name, n), name == "client-secured"
    costs = {
        Scheme.PMIPV6: hdmm.pmipv6_cost(1, TO_CMD),
        Scheme.MIPV6: hdmm.mipv6_cost(WIRELESS, 1, TO_CMD),
        Scheme.CLIENT: hdmm.client_cost(WIRELESS, 1, n, BETWEEN_DARS, secured=secured),
        Scheme.RELAY: hdmm.relay_cost(1, n, TO_CMD),
        Scheme.LOCATOR: hdmm.locator_cost(1, n, TO_CMD, TO_CMD, BETWEEN_DARS),
        Scheme.PROXY: hdmm.proxy_cost(1, n, TO_CMD),
        Scheme.FULLY: hdmm.fully_cost(1, n, BETWEEN_DARS),
    }
    return float(hdmm.messages(scheme, n, secured=secured)), float(costs[scheme])


def beside(name: str, n: int) -> tuple[float, float]:
    """Messages and hops that are sent beside what the equations count.

    The previous MAG of PMIPv6 deregisters. Fully distributed, the PBU to the group of all DARs is
    one message, where equation 9 has one for each previous DAR, and is carried to every other DAR;
    prepared by MIH, there is one for each. With security, the new home address is tested at home.
    """
    return {
        "pmipv6": (2, 2 * TO_CMD),
        "distributed": (1 - n, (DARS - 1 - n) * BETWEEN_DARS),
        "client-secured": (2, 2 * WIRELESS),
    }.get(name, (0, 0))


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row a scheme, delays and number of previous DARs: measured, and as the equations say."""
    new = table[table["flow"].str.startswith("new-")]
    new = new.assign(previous=new["flow"].str.split("-").str[1].astype(int))
    old = table[table["flow"].str.startswith("old-") & table["to"].notna()]
    old = old.assign(previous=old["to"].map(PREVIOUS))
    keys = ["scheme", "delays", "previous"]
    fresh = new.groupby(keys)[["flow_delay_ms", "flow_overhead_bytes"]].median()
    rows = []
    for key, part in bindings(old, keys[:2]).groupby(keys):
        messages, hops = equation_cost(str(key[0]), int(key[2]))
        beside_messages, beside_hops = beside(str(key[0]), int(key[2]))
        median = part.median(numeric_only=True)
        off = abs(median["binding_ms"] - median["predicted_binding_ms"])
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "runs": part["seed"].nunique(),
                "handovers": len(part),
                "binding_ms": median["binding_ms"],
                "equation_ms": median["predicted_binding_ms"],
                "within": off <= TOLERANCE * median["predicted_binding_ms"] + SLACK_MS,
                **interval(part, "binding_ms"),
                "messages": median["binding_messages"],
                "equation_messages": messages,
                "beside_messages": beside_messages,
                "hops": median["binding_hops"],
                "equation_hops": hops,
                "beside_hops": beside_hops,
                "old_delay_ms": median["delay_after_ms"],
                "new_delay_ms": fresh.loc[key, "flow_delay_ms"],
                "old_overhead_bytes": median["tunnel_overhead_bytes"],
                "new_overhead_bytes": fresh.loc[key, "flow_overhead_bytes"],
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def exact(rows: pd.DataFrame) -> pd.Series:
    """Whether the equations' messages and hops, and those beside them, were sent."""
    differences = [
        rows[name] - rows[f"equation_{name}"] - rows[f"beside_{name}"]
        for name in ("messages", "hops")
    ]
    return (differences[0] == 0) & (differences[1] == 0)


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Measured against predicted T_binding, with the tolerance as a band."""
    with drawing(path, rows) as axes:
        for number, (scheme, part) in enumerate(rows.groupby("scheme")):
            points = look(number) | {"linestyle": "none"}
            axes.plot(part["equation_ms"], part["binding_ms"], alpha=0.7, label=scheme, **points)
        ends = pd.Series([0.0, rows["equation_ms"].max() * 1.1])
        off = TOLERANCE * ends + SLACK_MS
        axes.plot(ends, ends, color="black", linewidth=0.8)
        axes.fill_between(ends, ends - off, ends + off, color="grey", alpha=0.2)
        axes.set(xlabel="Equations 12 to 18 (ms)", ylabel="Measured, median (ms)")


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every scheme with 1, 2 and 3 previous DARs, then compare with the equations."""
    rows = compare(table)
    tabulate(rows, results / "comparison")
    draw(rows, results / "against-equations.svg")
    print(f"T_binding within 10 % + 2 ms in {rows['within'].sum()} of {len(rows)} rows, ", end="")
    print(f"messages and hops exact in {exact(rows).sum()}")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
