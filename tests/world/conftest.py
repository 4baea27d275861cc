"""The compiled models of mirrors, and the codes of countries."""

from __future__ import annotations

import pytest
from compiled_models import CompiledModels
from world.laboratory import Areas, Laboratory


@pytest.fixture(scope="session")
def laboratory(compiled_models: CompiledModels) -> Laboratory:
    return Laboratory(compiled_models)


@pytest.fixture(scope="session")
def areas(laboratory: Laboratory) -> Areas:
    return Areas.of(laboratory)
