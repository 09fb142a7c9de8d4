"""Publishing a model from the page, over REST and with the Gradio client, against a Hub that stands
on this machine. One server and one browser for all of it: a push is a process of a server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import pytest
from browsing import CHROMIUM, Watched, shoot
from gradio_client import Client
from gradio_client.exceptions import AppError
from hub_standin import Account, HubStandin, Repo, hub_standin
from playwright.sync_api import Browser, Locator, Page, expect
from serving import free_port
from thorough import THOROUGH

from gtt.api.gradio_adapter import add_endpoints, make_queue_frugal
from gtt.api.guard import guarding
from gtt.api.rates import RateLimiter
from gtt.api.service import Service
from gtt.api.workspaces import new_key, owner_of
from gtt.config import RunConfig
from gtt.rest import routes
from gtt.runs.execute import start_run
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.ui.assets import asset_routes, head
from gtt.ui.push import push_view
from gtt.ui.theme import CSS, theme
from gtt.ui.views import calling, view

KEY = new_key()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubStandin]:
    """The stand-in; the environment that the processes of pushes are given leads to it."""
    with (
        hub_standin(tmp_path_factory.mktemp("store")) as one,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("HF_ENDPOINT", one.url)
        patch.setenv("HF_HUB_OFFLINE", "0")
        patch.setenv("HF_TOKEN", "hf_of_the_server")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield one


@pytest.fixture
def clean(hub: HubStandin) -> HubStandin:
    """The same without what another test left."""
    hub.repos.clear()
    hub.headers.clear()
    hub.tokens = {"hf_anna": Account()}
    hub.slow, hub.down, hub.cut_after, hub.fails, hub.delays = 0, False, None, {}, {}
    for path in hub.folder.iterdir():
        path.unlink()
    return hub


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, tiny_config: RunConfig, hub: HubStandin
) -> Iterator[Service]:
    """An open server with a run on one desk."""
    home = Home(tmp_path_factory.mktemp("pushing"))
    folder, _ = start_run(tiny_config, home)
    about = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**about, "owner": owner_of(KEY)}))
    one = Service(home, Limits(shared_desk=False), spare=False)
    one.rates = RateLimiter.at_home()  # more pushes than a visitor makes in a minute
    yield one
    one.close()


@pytest.fixture(scope="module")
def run(service: Service) -> str:
    (one,) = service.caller(KEY).runs()
    return one.id


@pytest.fixture(scope="module")
def url(service: Service, run: str) -> Iterator[str]:
    with gr.Blocks(analytics_enabled=False) as demo:
        add_endpoints(service)
        view("progress", value={"workspace": KEY, "run": run}, elem_id="progress")
        push_view()
    make_queue_frugal(demo, service.unread)
    port = free_port()
    ours = [*asset_routes(), *routes(service)]
    demo.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme(),
        css=CSS,
        head=head(),
        js=calling("start", module="page/main.js"),
        ssr_mode=False,
        app_kwargs={"routes": ours, "lifespan": guarding(routes=ours)},
    )
    yield f"http://127.0.0.1:{port}"
    demo.close()


@pytest.fixture
def rest(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"X-GTT-Workspace": KEY}, timeout=60) as one:
        yield one


def ended(rest: httpx.Client, run: str) -> dict[str, Any]:
    """The push of a run once it is over."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        push: dict[str, Any] = rest.get(f"/api/runs/{run}/push").json()["push"]
        if push["stage"] not in ("preparing", "sending", "publishing"):
            return push
        time.sleep(0.1)
    raise AssertionError(push)


def test_over_rest(clean: HubStandin, rest: httpx.Client, run: str, service: Service) -> None:
    place = f"/api/runs/{run}/push"
    order = {"repo": "anna/tiny", "private": True, "token": "hf_anna"}
    begun = rest.post(place, json=order)
    assert begun.status_code == 202, begun.text
    second = rest.post(place, json=order)
    assert second.status_code in (409, 503), "two pushes at once"
    push = ended(rest, run)
    assert (push["stage"], push["url"]) == ("done", f"{clean.url}/anna/tiny"), push
    assert push["bytes_sent"] + push["bytes_kept"] == push["bytes_total"]
    assert clean.repos["anna/tiny"].private
    assert set(clean.headers) == {"Bearer hf_anna"}, "never the server's own token"
    kept = [path for path in service.home.path.rglob("*") if path.is_file()]
    assert not any(b"hf_anna" in path.read_bytes() for path in kept)


def test_what_can_be_refused_at_once_is(clean: HubStandin, rest: httpx.Client, run: str) -> None:
    def refused(**order: Any) -> tuple[int, str]:
        answer = rest.post(f"/api/runs/{run}/push", json=order)
        error = answer.json()["error"]
        assert error["message"].endswith(".") and "hf_" not in error["message"]
        return answer.status_code, error["field"]

    assert refused(repo="anna/my model", token="hf_anna") == (422, "repo")
    assert refused(repo="anna/tiny") == (422, "token"), "a stranger has no login here"
    assert refused(repo="anna/tiny", token="hf_ü") == (422, "token")
    strange = rest.post(
        f"/api/runs/{run}/push",
        json={"repo": "anna/tiny", "token": "hf_anna"},
        headers={"X-GTT-Workspace": new_key()},
    )
    assert strange.status_code == 404
    assert not clean.repos


def test_a_stream_ends_with_the_link_or_with_a_sentence(
    clean: HubStandin, rest: httpx.Client, run: str
) -> None:
    def told(repo: str) -> str:
        answer = rest.post(
            f"/api/runs/{run}/push",
            json={"repo": repo, "token": "hf_anna"},
            headers={"Accept": "text/event-stream"},
        )
        return answer.text

    assert told("anna/tiny").rstrip().endswith("event: end\ndata: {}")
    clean.repos["anna/other"] = Repo(False, {"model.safetensors": b"precious"})
    assert "push_failed" in (text := told("anna/other")) and "is taken" in text


def test_the_gradio_client_pushes_with_its_token(clean: HubStandin, url: str, run: str) -> None:
    """`oauth_token` reaches the endpoint as what Gradio knows of whoever is signed in."""
    client = Client(url, analytics_enabled=False, verbose=False, oauth_token="hf_anna")
    last = client.predict(run, "anna/tiny", workspace=KEY, api_name="/push_to_hub")
    assert last["push"]["stage"] == "done"
    assert set(clean.headers) == {"Bearer hf_anna"}
    clean.tokens["hf_anna"] = Account(revoked=True)
    with pytest.raises(AppError, match="expired or was revoked"):
        client.predict(run, "anna/tiny", workspace=KEY, api_name="/push_to_hub")


def test_a_push_is_cancelled_over_rest(clean: HubStandin, rest: httpx.Client, run: str) -> None:
    place = f"/api/runs/{run}/push"
    clean.delays["/whoami-v2"] = 3.0
    assert rest.post(place, json={"repo": "anna/tiny", "token": "hf_anna"}).status_code == 202
    cancelled = rest.delete(place)
    assert cancelled.status_code == 200, cancelled.text
    push = cancelled.json()["push"]
    assert push["stage"] == "cancelled" and "nothing was published" in push["message"]
    assert rest.delete(place).json()["push"] == push and not clean.repos
    clean.delays.clear()
    assert rest.post(place, json={"repo": "anna/tiny", "token": "hf_anna"}).status_code == 202
    assert ended(rest, run)["stage"] == "done"
    strange = rest.delete(place, headers={"X-GTT-Workspace": new_key()})
    assert strange.status_code == 404


def part(page: Page, name: str) -> Locator:
    return page.locator(f'#push [data-part="{name}"]')


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
@pytest.mark.parametrize(
    ("theme", "width"), [("dark", 390), ("light", 1100)][: 2 if THOROUGH else 1]
)
def test_on_the_page(
    clean: HubStandin,
    browser: Browser,
    url: str,
    rest: httpx.Client,
    run: str,
    theme: str,
    width: int,
) -> None:
    watched = Watched(browser, url, width)
    page = watched.page
    page.goto(f"{url}/?__theme={theme}")
    name = f"push-{theme}"
    # By the keyboard alone: a name that is none, and what is wrong beside it.
    part(page, "repo").fill("anna/my model")
    part(page, "token").fill("hf_anna")
    page.keyboard.press("Enter")
    expect(part(page, "said")).to_contain_text("cannot be part of a name")
    expect(part(page, "repo")).to_be_focused()
    expect(part(page, "repo")).to_have_attribute("aria-invalid", "true")
    shoot(page, f"{name}-refused")
    # Somebody has that name.
    clean.repos["anna/taken"] = Repo(False, {"model.safetensors": b"precious"})
    part(page, "format").select_option("transformers")  # whatever was pushed last
    part(page, "repo").fill("anna/taken")
    part(page, "push").click()
    expect(part(page, "said")).to_contain_text("anna/taken is taken")
    # One that somebody wants no more.
    clean.delays["/whoami-v2"] = 20.0
    part(page, "repo").fill("anna/tiny")
    part(page, "push").click()
    expect(part(page, "cancel")).to_be_visible()
    part(page, "cancel").click()
    expect(part(page, "said")).to_contain_text("cancelled, and nothing was published")
    expect(part(page, "push")).to_have_text("Push again")
    expect(part(page, "cancel")).to_be_hidden()
    assert "anna/tiny" not in clean.repos
    shoot(page, f"{name}-cancelled")
    clean.delays.clear()
    # A page that is closed in the middle: the push goes on, and another page shows it.
    clean.slow = 0.6
    part(page, "repo").fill("anna/tiny")
    assert part(page, "token").input_value() == "hf_anna", "it is there until it has served"
    part(page, "push").click()
    expect(part(page, "track")).to_be_visible()
    shoot(page, f"{name}-at-work")
    watched.require_calm()
    page.close()
    again = Watched(browser, url, width)
    again.page.goto(f"{url}/?__theme={theme}")
    expect(part(again.page, "link")).to_have_text(f"{clean.url}/anna/tiny")
    expect(part(again.page, "repo")).to_have_value("anna/tiny")
    expect(part(again.page, "token")).to_have_value("")
    shoot(again.page, f"{name}-done")
    # The pocket model, with its link for telephones.
    part(again.page, "format").select_option("pocket")
    expect(part(again.page, "about")).to_contain_text("static Space")
    part(again.page, "token").fill("hf_anna")
    part(again.page, "push").click()
    place = f"{clean.url}/spaces/anna/tiny"
    expect(part(again.page, "link")).to_have_text(place, timeout=30_000)
    code = part(again.page, "qr")
    expect(code).to_have_attribute("aria-label", f"QR code of {place}")
    box = code.locator("svg").bounding_box()
    assert box is not None and box["width"] == box["height"] > 150
    shoot(again.page, f"{name}-code")
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not again.page.evaluate(too_wide)
    again.page.context.close()
    again.require_calm()
    assert ended(rest, run)["stage"] == "done"
