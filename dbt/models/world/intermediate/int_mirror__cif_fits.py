"""The CIF rate of each year: its second fit, without outliers."""

from dagster_project.world.tables import last_fits


def model(dbt, session):
    """Coefficients with their standard errors, R2 and the mean rate, one row per year."""
    dbt.config(materialized="table")
    first = dbt.ref("int_mirror__cif_moments").pl()
    return last_fits(first, dbt.ref("int_mirror__cif_moments_trimmed").pl()).to_arrow()
