from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.namespaces import Namespaces


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    with Namespaces() as made:
        yield made
