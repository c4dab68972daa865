"""From a spec to blocks: pure functions, no database."""
