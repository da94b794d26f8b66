"""The only code that touches the kernel: links, routes, tunnels, multicast routing, sockets."""
