"""The equations of Mobile IPv6: those of the HDMM paper."""

from emu.analysis.hdmm import Scheme
from emu.analysis.journey import always

TASKS = always(Scheme.MIPV6)
