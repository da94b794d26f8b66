"""Network-based distributed mobility management: the MAR and the CMD (paper 4.2, RFC 8885).

=====================  =============================================================================
``mar``                the access router: serves mobile nodes, and anchors prefixes of those gone
``cmd``                the central mobility database, as relay, locator or proxy
``actions``            what both ask their surroundings to do
``config``             what they are told at their start, and what they count
``messages``           the PBUs and PBAs of the exchange
``sessions``           a MAR's state of one mobile node; ``session_table``: all of them
``exchange``           what a MAR asks and answers: ``cmd_exchange`` with the CMD,
                       ``group_exchange`` with the other MARs (fully distributed)
``informer``           the CMD's requests to previous MARs
``ordering``           which PBU counts
``retransmission``     what waits for an answer
``context``            what a mobile node listens to, and goes along with it (RFC 7161)
``forwarding``         the routes that a state needs; ``tunnels``: what mobile nodes share
``binding_cache``      the CMD's state; decides which PBU counts
``advertising``        Router Advertisements; ``pool``: prefixes
=====================  =============================================================================
"""
