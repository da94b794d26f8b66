"""Network-based mobility: distributed, of MARs and a CMD (paper 4.2, RFC 8885); of MAGs and an LMA
(Proxy Mobile IPv6, RFC 5213).

=====================  =============================================================================
``mar``                the access router: serves mobile nodes, and anchors prefixes of those gone
``cmd``                the central mobility database, as relay, locator or proxy
``mag``, ``lma``       the access gateway and the anchor of Proxy Mobile IPv6; ``mag_sessions``,
                       ``proxy_bindings``: their state; ``proxy_messages``: their PBUs and PBAs
``actions``            what all ask their surroundings to do
``config``             what they are told at their start, and what they count
``messages``           the PBUs and PBAs of the exchange
``sessions``           a MAR's state of one mobile node; ``session_table``: all of them
``exchange``           what a MAR asks and answers: ``cmd_exchange`` with the CMD,
                       ``group_exchange`` with the other MARs (fully distributed)
``informer``           the CMD's requests to previous MARs
``ordering``           which PBU counts
``retransmission``     what waits for an answer
``context``            what a mobile node listens to, and goes along with it (RFC 7161)
``forwarding_state``   the routes that a state needs; ``tunnels``: what mobile nodes share
``binding_cache``      the CMD's state; decides which PBU counts
``access_router``      an access router without a part in bindings, for host-based schemes
``advertising``        Router Advertisements; ``pool``: prefixes
=====================  =============================================================================
"""
