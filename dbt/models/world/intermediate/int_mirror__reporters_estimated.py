"""Distance of each reporter to its partners, over all years at once."""

from dagster_project.world.tables import estimated_reporters


def model(dbt, session):
    """One row per country, each measure as exporter and as importer."""
    dbt.config(materialized="table")
    return estimated_reporters(
        dbt.ref("int_mirror__pair_sums").filter("cells > 0").pl(),
        dbt.ref("int_mirror__effect_sums").pl(),
    ).to_arrow()
