"""The store: the only package that speaks to PostgreSQL. SQL lives in `sql/*.sql`, loaded by name."""
