"""Mobile IPv6 (RFC 6275), and what authorizes its Binding Updates.

=======================  ===========================================================================
``security``             which mechanisms are on
``cga``                  addresses that prove whose they are (RFC 3972); ``keys``: signatures
``return_routability``   tokens, keys and authenticators (RFC 6275 section 5.2)
``authorizer``           the mobile node's part; ``verifier``: the anchor's
=======================  ===========================================================================
"""
