"""SCTP associations (RFC 9260) for the messages of a few known peers.

Left out of the RFC: fragments (a message fits a packet), more than one stream and address, a
congestion window (a few messages are outstanding at most), the measurement of round trips (the
retransmission timeout is its least, 1 s), fast retransmission, and heartbeats of our own.
"""
