"""Mirror statistics: pure functions on frames and arrays; no files, no database, no Dagster."""
