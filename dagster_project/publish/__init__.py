"""Run dbt, audit the build, write the exports, and replace the published warehouse atomically."""
