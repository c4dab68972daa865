"""The HTTP API: routers per subject, wired together in `service.api.app`."""
