"""From a build to the published warehouse: run dbt, audit, export, replace in one step."""
