# Each target is one line in scripts/dev.py, which also sets everything up. `make` alone lists them.
# Arguments go through ARGS: make test ARGS="tests/unit -k durations"

# The first Python that can read scripts/dev.py, which in turn finds the one that is new enough for the rest.
PYTHON ?= $(or $(shell for name in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	"$$name" -c "from __future__ import annotations" 2>/dev/null && echo "$$name" && break; done),python3)

TARGETS := demo test test-long test-pg15 test-pg16 lint format bench check-wheel setup

.PHONY: help $(TARGETS)

help:
	@$(PYTHON) scripts/dev.py help

$(TARGETS):
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
