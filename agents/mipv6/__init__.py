"""Mobile IPv6 (RFC 6275), and client-based distributed mobility management (HDMM paper, 4.1).

Both have the same machines: in Mobile IPv6 a mobile node has one home address, in the paper's
scheme one of each access router that it has been at, which is the home agent of that address.

=======================  ===========================================================================
``mobile_node``          keeps the bindings of its home addresses; ``update_list``: one of them
``home_agent``           the binding cache
``actions``              what they ask their surroundings to do; ``packets``: what they exchange
``authorization``        who may change a binding: what an update needs, and what checks it
``security``             which mechanisms are on
``cga``                  addresses that prove whose they are (RFC 3972); ``keys``: signatures
``return_routability``   tokens, keys and authenticators (RFC 6275 section 5.2)
``authorizer``           the mobile node's part; ``verifier``: the anchor's
=======================  ===========================================================================
"""
