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


def test_metrics_show_the_queue(api) -> None:
    with api.client("submit") as client:
        client.post("/v1/jobs", json={"spec": {"kind": "diagnostic", "seconds": 4.01}})
        text = client.get("/metrics").text
        status = client.get("/v1/status").json()
    assert f'holonomy_jobs{{state="queued"}} {status["jobs"]["queued"]}.0' in text
    assert 'holonomy_blocks{state="ready"}' in text
    assert "holonomy_dispatchers_alive 0.0" in text
    assert "holonomy_oldest_ready_seconds" in text
    assert status["dispatchers"] == []
    assert "@" not in status["database"]
    assert status["database"].startswith("127.0.0.1:")
