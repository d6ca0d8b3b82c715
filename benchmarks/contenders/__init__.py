"""Who takes part: a module each, with its `SETTINGS`, what it is run with, and its `WORKLOADS` by name.

A workload prepares, passes the gate (`Gate.go`), works, says `Gate.stop` and gives its figures.
"""
