"""The core of the warehouse, run over figures that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb
import polars as pl
from compiled_models import OPEN_DAY, CompiledModels

_RESULTS = ("int_figures__value_rows", "int_figures__balances", "observations")
_KNOWN_ON_A_DAY = ("int_figures__values_as_of", "int_figures__balances_as_of")


@dataclass(frozen=True)
class Core:
    """The compiled models, and runs of those of the core."""

    models: CompiledModels = field(repr=False)

    def run(
        self, given: Mapping[str, pl.DataFrame], as_of: date | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Build the core over `given`, with the knowledge of a day, and the as-of macros."""
        connection = self.models.run(given, *_RESULTS, *_KNOWN_ON_A_DAY, as_of=as_of)
        for model in self.models.models:
            if model.name in _KNOWN_ON_A_DAY:
                code = str(model.code).replace(OPEN_DAY, "cast(as_of_day as date)")
                connection.execute(
                    f"create macro {model.relation}_as_of(as_of_day) as table {code}"
                )
        return connection
