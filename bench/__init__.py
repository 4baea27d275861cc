"""Benchmarks against a baseline measured in the same run; not part of the product or its tests."""
