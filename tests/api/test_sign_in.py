"""A Space on which visitors sign in with Hugging Face, the provider standing on this machine.

One server under a Space's variables, since signing in is set up where the app is launched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hub_standin import Account, HubStandin, hub_standin
from playwright.sync_api import Browser, Page, Playwright, Route, expect
from serving import Server, serving, tiny, wait_until_done
from ui.browsing import CHROMIUM, FLAGS, SMALL, Watched, shoot, unfold, wait_for_state

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


@pytest.fixture
def browser(driver: Playwright) -> Iterator[Browser]:
    """One that finds the Space under its name."""
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    one = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, rules])
    yield one
    one.close()


def without_tls(page: Page, space: Server) -> None:
    """Walks through the sign-in in the browser's place: it comes back to the Space's address by
    TLS, which only the proxy before a Space has, and its cookie wants that too."""

    def walk(route: Route) -> None:
        name, _, value = sign_in(space).partition("=")
        page.context.add_cookies([{"name": name, "value": value, "domain": HOST, "path": "/"}])
        there = f"http://{HOST}:{space.port}/"
        route.fulfill(status=302, headers={"location": there})

    page.route(re.compile("/login/huggingface"), walk)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_on_the_page_who_signs_in_pushes_with_a_click(
    space: Server, hub: HubStandin, provider: OpenIDStandin, browser: Browser
) -> None:
    hub.repos.clear()
    hub.headers.clear()
    url = f"http://{HOST}:{space.port}/"
    watched = Watched(browser, url)
    page = watched.page
    without_tls(page, space)
    part = '#push [data-part="{}"]'.format
    watched.go_to(f"{url}{SMALL}&set=training.max_steps:10")
    page.locator("#start").click()
    wait_for_state(page, "completed")
    unfold(page, "Take it home")
    expect(page.locator(part("token"))).to_be_hidden()
    page.locator(part("repo")).fill("berta/tiny")
    page.locator(part("push")).click()
    expect(page.locator(part("said"))).to_contain_text("sign in with Hugging Face")
    assert not hub.repos and not hub.headers, "nobody pushes as the Space"

    page.locator("#sign-in").click()
    page.wait_for_url(url)
    unfold(page, "Take it home")
    expect(page.locator("#sign-in")).to_contain_text("berta")
    page.locator(part("repo")).fill("berta/tiny")
    page.locator(part("push")).click()
    expect(page.locator(part("link"))).to_have_text(f"{hub.url}/berta/tiny")
    assert set(hub.headers) == {"Bearer hf_oauth_berta"}
    shoot(page, "signed-in-pushed")

    hub.tokens["hf_oauth_berta"] = Account("berta", revoked=True)
    page.locator(part("push")).click()
    expect(page.locator(part("said"))).to_contain_text("Sign in with Hugging Face again")
    assert "hf auth login" not in page.locator(part("said")).inner_text()
    shoot(page, "signed-in-expired")
    page.context.close()
