"""Traffic: processes that run inside a host's namespace, each a ``main(config: dict) -> None``.

Every main is forked by a warm parent that has already entered the host's network namespace. It is
silent, takes its times as absolute CLOCK_MONOTONIC nanoseconds, flushes and returns on SIGTERM, and
writes one line in the event log when its flow starts (with the local address it used) and stops.
"""
