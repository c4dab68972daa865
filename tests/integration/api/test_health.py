import pytest

UNGUARDED = ["/healthz", "/readyz", "/version", "/metrics", "/openapi.json"]


@pytest.mark.parametrize("path", UNGUARDED)
def test_health_needs_no_token(api, path: str) -> None:
    with api.client() as nobody:
        assert nobody.get(path).status_code == 200


def test_metrics_count_requests_by_route_template(api) -> None:
    with api.client() as nobody:
        nobody.get("/v1/nowhere/3")
        nobody.get("/healthz")
        text = nobody.get("/metrics").text
    assert 'holonomy_http_requests_total{method="GET",route="/healthz",status="200"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "nowhere" not in text
