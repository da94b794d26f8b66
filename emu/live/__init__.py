"""The live page: what a run does, or did, in a browser.

A `Show` has a `Feed` for each run; the server gives them to any number of viewers. A replay fills a
feed from a record, a run that goes on fills it as it writes its events.
"""
