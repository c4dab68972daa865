"""Postgres: engine, tables, migrations and the binary COPY."""
