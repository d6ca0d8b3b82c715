"""Benchmarks: what a durable step costs, read from the server's own statistics."""
