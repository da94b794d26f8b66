"""Virtual time: the protocol cores over a modelled network, without a kernel or a clock.

=============  =====================================================================================
``engine``     the clock and the queue of events
``network``    messages between nodes: delay, loss, duplication, reordering, from one seed
``host``       drives one core: its messages, its deadlines, its actions
``router``     what a router's kernel would hold: tunnels, routes, source routes, DLIF addresses
``world``      what every domain has besides its nodes
``domain``     a DMM domain: MARs, the CMD, and mobile nodes that move
``oracle``     what a DMM domain's state has to be, worked out without the cores
``schedule``   randomised runs, each reproducible from its seed
``playing``    plays one in the domain of any mobility scheme, which that brings (docs/schemes.md)
``cmd_load``   handovers of very many mobile nodes, for one CMD core
``compiled``   the part that plays i3 as machine code, where there is some
=============  =====================================================================================
"""

from emu.simulator import compiled

compiled.use()
