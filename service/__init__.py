"""Database, queue, planner, dispatcher, API and the embedded stack."""
