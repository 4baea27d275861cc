"""The core of the warehouse, compiled."""

from __future__ import annotations

import pytest
from compiled_models import CompiledModels
from dbt.core import Core


@pytest.fixture(scope="session")
def core(compiled_models: CompiledModels) -> Core:
    return Core(compiled_models)
