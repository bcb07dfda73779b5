"""Helpers that tests and benchmarks share: servers as child processes, and a
proxy that measures what passes.
"""
