import pytest


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "send a token as"),
        ("Bearer", "send a token as"),
        ("Basic dXNlcjpwYXNz", "send a token as"),
        ("Bearer hol_wrong", "not known here, or was revoked"),
        ("Bearer " + "x" * 5000, "at most 512 characters"),
        ("Bearer \xff\xfe", "not known here"),
    ],
)
def test_without_a_valid_token(api, problem, header: str | None, detail: str) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    with api.client() as nobody:
        answer = nobody.get("/v1/datasets", headers=headers)
    assert detail in problem(answer, 401).detail
    assert answer.headers["www-authenticate"] == "Bearer"


def test_scopes_include_the_ones_below(api, problem) -> None:
    with api.client("read") as reader, api.client("submit") as submitter, api.client("admin") as admin:
        for client in (reader, submitter, admin):
            assert client.get("/v1/datasets").status_code == 200
        shard = "/v1/datasets/shards/" + "0" * 64
        assert "needs a token with scope submit" in problem(reader.put(shard, content=b"x"), 403).detail
        assert submitter.put(shard, content=b"x").status_code == 422
        assert "needs a token with scope admin" in problem(submitter.get("/v1/tokens"), 403).detail


def test_a_token_is_made_shown_once_used_and_revoked(api, problem) -> None:
    with api.client("admin") as admin:
        made = admin.post("/v1/tokens", json={"name": "ada", "scopes": ["read"]})
        assert made.status_code == 201
        body = made.json()
        listed = admin.get("/v1/tokens")
        assert body["token"] not in listed.text
        assert {k: v for k, v in body.items() if k != "token"} in listed.json()
        headers = {"Authorization": f"Bearer {body['token']}"}
        assert admin.get("/v1/datasets", headers=headers).status_code == 200
        revoked = admin.delete(f"/v1/tokens/{body['id']}").json()["revoked_at"]
        assert revoked is not None
        assert "was revoked" in problem(admin.get("/v1/datasets", headers=headers), 401).detail
        assert admin.delete(f"/v1/tokens/{body['id']}").json()["revoked_at"] == revoked
        assert "there is no token 999999" in problem(admin.delete("/v1/tokens/999999"), 404).detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"name": "", "scopes": ["read"]}, "name: string should have at least 1 character"),
        ({"name": "x", "scopes": []}, "scopes: expected at least 1 of them"),
        ({"name": "x", "scopes": ["root"]}, "scopes[0]: expected 'read', 'submit' or 'admin'; came \"root\""),
        ({"name": "a\0b", "scopes": ["read"]}, "NUL"),
    ],
)
def test_a_token_needs_a_name_and_scopes(api, problem, body: dict[str, object], detail: str) -> None:
    with api.client("admin") as admin:
        assert detail in problem(admin.post("/v1/tokens", json=body), 422).detail
