from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.namespaces import Namespaces


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    with Namespaces() as made:
        yield made


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
