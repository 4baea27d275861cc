"""Publishers' files: snapshots, their parsers and the raw Parquet made from them.

Plain Python: nothing in this package knows of the orchestrator or of dbt.
"""
