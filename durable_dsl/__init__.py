"""What a workflow is: documents, graphs, expressions, checks and drawings, without a database, a clock or a network."""

from __future__ import annotations

__version__ = "0.1.0"
