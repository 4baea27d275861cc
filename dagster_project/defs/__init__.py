"""Dagster objects only: what they run is in `sources/`, `dbt/` and `publish/`.

Annotations are evaluated in this package, since Dagster reads them: no module here may
import `annotations` from `__future__`.
"""
