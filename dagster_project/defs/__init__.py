"""Dagster objects only: what is computed stands in `sources/`, in `dbt/`, in `publishing.py`.

Annotations are evaluated in this package, since Dagster reads them: no module here may
import `annotations` from `__future__`.
"""
