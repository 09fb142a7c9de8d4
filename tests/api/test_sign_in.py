"""A Space on which visitors sign in with Hugging Face, the provider standing on this machine.

One server under a Space's variables, since signing in is set up where the app is launched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hub_standin import Account, HubStandin, hub_standin
from serving import Server, serving, tiny, wait_until_done

from gtt.api.workspaces import new_key

pytest.importorskip("authlib", reason="signing in comes with gradio[oauth]")

from openid_standin import CLIENT, SECRET, OpenIDStandin, openid_standin

HOST = "anna-gtt.hf.space"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubStandin]:
    with hub_standin(tmp_path_factory.mktemp("store")) as one:
        one.tokens = {"hf_oauth_berta": Account("berta"), "hf_of_the_space": Account("anna")}
        yield one


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIDStandin]:
    with openid_standin("berta", "hf_oauth_berta") as one:
        yield one


@pytest.fixture(scope="module")
def space(
    tmp_path_factory: pytest.TempPathFactory, hub: HubStandin, provider: OpenIDStandin
) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("space"),
        SYSTEM="spaces",
        SPACE_ID="anna/gtt",
        SPACE_HOST=HOST,
        SPACE_AUTHOR_NAME="anna",
        GRADIO_SERVER_NAME="127.0.0.1",
        OAUTH_CLIENT_ID=CLIENT,
        OAUTH_CLIENT_SECRET=SECRET,
        OAUTH_SCOPES="openid profile contribute-repos",
        OPENID_PROVIDER_URL=provider.url,
        HF_ENDPOINT=hub.url,
        HF_HUB_OFFLINE="0",
        HF_TOKEN="hf_of_the_space",
        OMP_NUM_THREADS="1",
    ) as one:
        yield one


def sign_in(space: Server) -> str:
    """The cookie of somebody who went through the sign-in, as a browser would send it."""
    with httpx.Client(base_url=space.url) as browser:
        to_provider = browser.get("/login/huggingface")
        asked = httpx.get(to_provider.headers["location"])
        back = urlsplit(asked.headers["location"])
        assert (back.scheme, back.netloc, back.path) == ("https", HOST, "/login/callback")
        first = to_provider.headers["set-cookie"].partition(";")[0]
        done = browser.get(f"{back.path}?{back.query}", headers={"Cookie": first})
        assert done.is_redirect, done.text
        cookie = done.headers["set-cookie"]
        assert "secure" in cookie.lower() and "httponly" in cookie.lower()
        return str(cookie.partition(";")[0])


def pushed(space: Server, run: str, key: str, cookie: str) -> tuple[str, Any]:
    """The last event of a push through Gradio's interface."""
    with space.client(key) as client:
        headers = {"Cookie": cookie} if cookie else {}
        order = {"run_id": run, "repo": "berta/tiny", "workspace": key}
        asked = client.post("/gradio_api/call/v2/push_to_hub", json=order, headers=headers)
        event = asked.raise_for_status().json()["event_id"]
        told = client.get(f"/gradio_api/call/push_to_hub/{event}", headers=headers).text
        kind, _, content = told.strip().rpartition("event: ")[2].partition("\ndata: ")
        return kind, json.loads(content)


def test_who_is_signed_in_pushes_with_their_own_token(
    space: Server, hub: HubStandin, provider: OpenIDStandin, tmp_path: Path
) -> None:
    key = new_key()
    with space.client(key) as client:
        run = client.post("/api/runs", json=tiny()).raise_for_status().json()["run"]["id"]
        assert wait_until_done(client, run)["state"] == "completed"
        by_rest = client.post(f"/api/runs/{run}/push", json={"repo": "anna/tiny"})
        assert by_rest.status_code == 422 and by_rest.json()["error"]["field"] == "token"
        assert client.get(f"/api/runs/{run}/push").json()["has_login"] is False
    kind, content = pushed(space, run, key, "")
    assert kind == "error" and not hub.repos, "nobody pushes as the Space"
    kind, content = pushed(space, run, key, sign_in(space))
    assert kind == "complete", content
    assert content[0]["push"]["stage"] == "done", content
    assert provider.asked == ["openid profile contribute-repos"]
    assert list(hub.repos) == ["berta/tiny"] and set(hub.headers) == {"Bearer hf_oauth_berta"}
    kept = [path for path in space.home.rglob("*") if path.is_file()]
    assert not any(b"hf_oauth_berta" in path.read_bytes() for path in kept), "the log among them"
    with space.client() as client:
        assert "Sign in with Hugging Face" in client.get("/config").text
