"""Dagster objects only: what is computed stands in `sources/`, in `dbt/`, in `warehouse.py`."""
