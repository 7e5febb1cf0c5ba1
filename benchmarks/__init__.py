"""Benchmarks: one script a subject, run from the root of the repository as ``python -m benchmarks.NAME``."""
