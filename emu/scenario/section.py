"""What every part of the schema is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the scenario: fixed once read, and no key besides its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
