"""Dagster's web interface on this machine: the guard in front of it, and `make dev`."""
