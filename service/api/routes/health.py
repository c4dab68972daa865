"""Health, version and metrics: for load balancers, supervisors and Prometheus. They need no token."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from pydantic import BaseModel

from service.api import health, problems
from service.api.backend import Services
from service.api.problems import documented


class Healthy(BaseModel):
    """The process answers."""

    ok: bool


class Version(BaseModel):
    """What runs."""

    version: str


def router(registry: CollectorRegistry) -> APIRouter:
    """The routes, with the registry that `/metrics` shows."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def healthz() -> Healthy:
        """Whether this process answers; says nothing about what it stands on."""
        return Healthy(ok=True)

    @routes.get("/readyz", responses=documented("unavailable"))
    async def readyz(services: Services) -> Healthy:
        """Whether the database and the bucket answer as well; 503 says which does not."""
        away = await health.away(services)
        if away:
            lines = "; ".join(f"the {part} is away: {reason}" for part, reason in sorted(away.items()))
            raise problems.unavailable(lines)
        return Healthy(ok=True)

    @routes.get("/version")
    async def version(services: Services) -> Version:
        """The version of the service."""
        return Version(version=services.version)

    @routes.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        """Prometheus metrics of this process and of the queue."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return routes
