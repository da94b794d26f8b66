"""What all groups of one member have in common."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from agents.overlay.nemo.book import Book
from agents.overlay.nemo.config import NemoConfig
from agents.overlay.nemo.post import Post
from agents.overlay.nemo.rendezvous import Rendezvous
from agents.wire.i3 import Endpoint
from agents.wire.overlay import MemberId


@dataclass
class Context:
    """The member, and what it speaks through."""

    me: MemberId
    config: NemoConfig
    book: Book
    post: Post
    random: Random
    rendezvous: Rendezvous
    """It is a rendezvous point for others, and always for itself."""
    points: tuple[Endpoint, ...]
    """The other rendezvous points."""
