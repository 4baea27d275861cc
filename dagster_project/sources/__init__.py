"""Publishers' files: snapshots, their parsers and the raw Parquet made from them.

Plain Python: this package does not depend on the orchestrator or on dbt.
"""
