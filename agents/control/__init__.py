"""Multicast channel control: whether a channel is local, remote or both.

"Efficient Multicast Content Delivery over a Distributed Mobility Management Environment", section
III.A: a Multicast Channel Control (MCC) decides for all, and a channel management function (CMF) in
each MAR asks it; in the fully distributed scheme there is no MCC and the CMF decides itself. Cores
without I/O; docs/channel-control.md describes them.

================  ==================================================================================
``policies``      what a decision may depend on, and a user's own policy
``decisions``     the operator's settings first, then the policy
``mcc``           the MCC: answers queries, pushes changes until they are acknowledged
``management``    the CMF that asks an MCC, or falls back to the default
``distributed``   the CMF that decides itself
================  ==================================================================================
"""
