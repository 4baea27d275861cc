"""Quoted figures of one article that cannot all be true."""

from dagster_project.claims.consistency.frames import inconsistencies


def model(dbt, session):
    """One row per irreducible set, with both sides and likely corrections."""
    dbt.config(materialized="table")
    claims = dbt.ref("claims").pl()
    return inconsistencies(claims, dbt.ref("shares_of_other_wholes").pl()).to_arrow()
