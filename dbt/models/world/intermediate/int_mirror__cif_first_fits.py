"""The first fit of the CIF rate, for each year with enough pairs."""

from dagster_project.world.tables import first_fits


def model(dbt, session):
    """Coefficients, sigma and the inverse moments, for judging each pair of the year."""
    dbt.config(materialized="table")
    return first_fits(dbt.ref("int_mirror__cif_moments").pl()).to_arrow()
