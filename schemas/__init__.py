"""Job specs, payloads, results, states and API bodies: Pydantic models and nothing heavier."""
