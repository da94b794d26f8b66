"""Packet formats, and nothing else: bytes to frozen dataclasses and back.

Every ``encode`` gives the standard's exact octets with the right checksum. Every ``decode`` takes
any octets whatever, checks them, and raises nothing but ``errors.MalformedPacket``. Nothing here
opens a socket, reads a clock, or knows a protocol's state; docs/wire.md lists the messages and the
sections that define them.

========================  ==========================================================================
``ipv6``                  the IPv6 header, the Router Alert, the upper-layer checksum (RFC 8200)
``mobility``              Mobility Header messages: BU/BA, and so PBU/PBA (RFC 6275, 5213, 8885)
``mobility_options``      what these messages carry (RFC 4283, 5213, 8885), ``option_layouts``
``mobility_header``       what all messages of protocol 135 share (RFC 6275 section 6.1.1)
``channel``               channel control: query, response, acknowledgement (RFC 5096, 5094)
``mih``                   Media Independent Handover (IEEE 802.21, RFC 5677); ``mih_…``
``icmpv6``                what MLD and Neighbor Discovery share (RFC 4443)
``mld``                   Multicast Listener Discovery, both versions (RFC 2710, 3810)
``ipv4``, ``igmp``        the IPv4 header, and IGMP, all versions (RFC 1112, 2236, 3376)
``ndp``                   Router Advertisement and Solicitation (RFC 4861)
========================  ==========================================================================
"""
