"""What the running kernel offers, and the backends that follow from it.

Every probe tries the thing itself, in a network namespace that ends with the probing process.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from ipaddress import IPv6Address
from pathlib import Path
from typing import Literal

from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL, rtnl

from agents.kernel import libc, tc
from agents.kernel.barrier import Barrier
from agents.kernel.bpf_tunnel import BpfTunnel
from agents.kernel.conntrack import Conntrack
from agents.kernel.interception import Interception
from agents.kernel.mroute import MulticastRouting
from agents.kernel.netlink import Netlink
from agents.kernel.source_guard import SourceGuard
from agents.kernel.tun_device import open_tun
from agents.kernel.tunnel import Backend as TunnelBackend
from agents.kernel.tunnel import Ip6tnlTunnel

DelayBackend = Literal["netem", "delay-line"]
SwitchBackend = Literal["kernel", "user"]

_LOCAL, _REMOTE = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
_TC_H_ROOT = 0xFFFFFFFF
_NETLINK_GENERIC = 16
_GENL_ID_CTRL = 16
_CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_NAME = 3, 2
_NLM_F_REQUEST, _NLMSG_ERROR = 1, 2
_REALTIME_PRIORITY = 1


@dataclass(frozen=True)
class Capabilities:
    """Whether each feature works here, for this user."""

    ip6tnl: bool
    """Tunnel devices of the kernel's own (CONFIG_IPV6_TUNNEL)."""
    bpf: bool
    """eBPF programs in traffic control that make a tunnel of a TUN device."""
    tun: bool
    """TUN devices (CONFIG_TUN)."""
    netem: bool
    """Delay, jitter and loss as a queueing discipline (CONFIG_NET_SCH_NETEM)."""
    tbf: bool
    """Rates by the token bucket filter (CONFIG_NET_SCH_TBF)."""
    openvswitch: bool
    """Open vSwitch's datapath in the kernel (CONFIG_OPENVSWITCH)."""
    mrt6: bool
    """IPv6 multicast forwarding (CONFIG_IPV6_MROUTE)."""
    optimistic_dad: bool
    """Optimistic duplicate address detection (CONFIG_IPV6_OPTIMISTIC_DAD)."""
    conntrack: bool
    """Connection tracking, and nftables to turn it on (CONFIG_NF_CONNTRACK, CONFIG_NFT_CT)."""
    interception: bool
    """Transparent proxies, by nftables (CONFIG_NFT_TPROXY, CONFIG_NFT_SOCKET)."""
    source_guard: bool
    """Rules of nftables at a link's ingress (CONFIG_NF_TABLES_INET, CONFIG_NETFILTER_INGRESS)."""
    partitions: bool
    """Rules of nftables on what a host gets (CONFIG_NF_TABLES_IPV6)."""
    realtime: bool
    """Real-time scheduling (SCHED_FIFO) for the delay line."""

    def tunnel_backend(self) -> TunnelBackend:
        """What tunnels are made of."""
        if self.ip6tnl:
            return "ip6tnl"
        return "bpf" if self.bpf else "tun"

    def tunnel_backends(self) -> tuple[TunnelBackend, ...]:
        """All that tunnels could be made of here, the best one first."""
        offered: dict[TunnelBackend, bool] = {
            "ip6tnl": self.ip6tnl,
            "bpf": self.bpf,
            "tun": self.tun,
        }
        return tuple(backend for backend, works in offered.items() if works)

    def delay_backend(self) -> DelayBackend:
        """What gives links their delay, jitter and loss."""
        return "netem" if self.netem else "delay-line"

    def switch_backend(self) -> SwitchBackend:
        """Which datapath Open vSwitch uses."""
        return "kernel" if self.openvswitch else "user"


def probe() -> Capabilities:
    """Try everything, in a child process with a network namespace of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps(_probe_all()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        raise RuntimeError("the probes of the kernel's capabilities ended early")
    return Capabilities(**json.loads(answer))


def _probe_all() -> dict[str, bool]:
    try:
        libc.unshare_network()
    except PermissionError:
        return {field.name: False for field in fields(Capabilities)}
    return {name: _works(trial) for name, trial in _TRIALS.items()}


def _works(trial: Callable[[Netlink], None]) -> bool:
    """Whether a trial ends without the kernel's refusal."""
    try:
        with Netlink() as netlink:
            trial(netlink)
    except OSError:
        return False
    return True


def _try_ip6tnl(netlink: Netlink) -> None:
    Ip6tnlTunnel(netlink, "probe-ip6tnl", _LOCAL, _REMOTE).close()


def _try_bpf(netlink: Netlink) -> None:
    netlink.add_link("probe-veth", "veth")
    netlink.up("probe-veth")
    netlink.add_address("probe-veth", f"{_LOCAL}/64", nodad=True)
    try:
        BpfTunnel(netlink, "probe-bpf", _LOCAL, _REMOTE).close()
    finally:
        netlink.delete_link("probe-veth")


def _try_tun(netlink: Netlink) -> None:
    os.close(open_tun("probe-tun"))


def _try_queueing_discipline(netlink: Netlink, kind: str) -> None:
    discipline = tc.message(netlink.index("lo"), _TC_H_ROOT, 0, kind)
    try:
        netlink.rtnetlink.request(rtnl.RTM_NEWQDISC, discipline, NLM_F_CREATE | NLM_F_EXCL)
    except OSError as error:
        if error.errno != errno.EINVAL:  # known, and missing its parameters
            raise


def _try_openvswitch(netlink: Netlink) -> None:
    """Ask generic netlink for the family, which loads the module where there is one."""
    name = b"ovs_datapath\0".ljust(16, b"\0")
    attribute = struct.pack("=HH", 4 + len("ovs_datapath") + 1, _CTRL_ATTR_FAMILY_NAME) + name
    body = struct.pack("=BBH", _CTRL_CMD_GETFAMILY, 1, 0) + attribute
    header = struct.pack("=IHHII", 16 + len(body), _GENL_ID_CTRL, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as generic:
        generic.bind((0, 0))
        generic.send(header + body)
        answer = generic.recv(1 << 16)
    if struct.unpack_from("=H", answer, 4)[0] == _NLMSG_ERROR:
        number = -struct.unpack_from("=i", answer, 16)[0]
        raise OSError(number, os.strerror(number))


def _try_mrt6(netlink: Netlink) -> None:
    MulticastRouting().close()


def _try_conntrack(netlink: Netlink) -> None:
    Conntrack().close()


def _try_interception(netlink: Netlink) -> None:
    netlink.up("lo")
    Interception(_REMOTE, 1).close()


def _try_source_guard(netlink: Netlink) -> None:
    SourceGuard("lo").close()


def _try_partitions(netlink: Netlink) -> None:
    Barrier().close()


def _try_optimistic_dad(netlink: Netlink) -> None:
    Path("/proc/sys/net/ipv6/conf/lo/optimistic_dad").read_text(encoding="utf-8")


def _try_realtime(netlink: Netlink) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME_PRIORITY))
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


_TRIALS: dict[str, Callable[[Netlink], None]] = {
    "ip6tnl": _try_ip6tnl,
    "bpf": _try_bpf,
    "tun": _try_tun,
    "netem": lambda netlink: _try_queueing_discipline(netlink, "netem"),
    "tbf": lambda netlink: _try_queueing_discipline(netlink, "tbf"),
    "openvswitch": _try_openvswitch,
    "mrt6": _try_mrt6,
    "optimistic_dad": _try_optimistic_dad,
    "conntrack": _try_conntrack,
    "interception": _try_interception,
    "source_guard": _try_source_guard,
    "partitions": _try_partitions,
    "realtime": _try_realtime,
}
