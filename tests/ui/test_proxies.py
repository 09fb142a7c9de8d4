"""The page behind nginx and in frames of other sites: it works, or says what is in its way."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from browsing import CHROMIUM, FLAGS, SLOW, Watched, open_tab, shoot
from playwright.sync_api import Browser, Frame, expect
from serving import ROOT, Server, free_port, serving

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx (nginx-light)"),
]
DOCS = ROOT / "docs" / "api.md"
FRAMES = {
    "plain": '<iframe width="1100" height="700" src="URL"></iframe>',
    "sandboxed": '<iframe width="1100" height="700" sandbox="allow-scripts" src="URL"></iframe>',
    "documented": '<iframe width="1100" height="700" sandbox="SANDBOX" src="URL"></iframe>',
}


class Nginx:
    """nginx with one server for each way of passing requests on; `url` says where."""

    def __init__(self, folder: Path, places: dict[str, str]) -> None:
        self.ports = {name: free_port() for name in places}
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        servers = "\n".join(
            f"server {{ listen 127.0.0.1:{self.ports[name]}; {place} }}"
            for name, place in places.items()
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;\n"
            f"events {{}}\nhttp {{ access_log off; {temporary}\n{servers}\n}}\n"
        )
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def url(self, name: str, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def documented(number: int, server: Server) -> str:
    """A block of nginx settings as the docs have it, for this server."""
    blocks = re.findall(r"(?ms)^```nginx\n(.*?)^```$", DOCS.read_text(encoding="utf-8"))
    assert "http://127.0.0.1:7860" in blocks[number]
    return str(blocks[number].replace("http://127.0.0.1:7860", server.url))


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("proxies")
    threads = {"OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        below = stack.enter_context(serving(folder / "below", **threads, GRADIO_ROOT_PATH="/gtt"))
        deep = stack.enter_context(serving(folder / "deep", **threads, GRADIO_ROOT_PATH="/a/b"))
        text = DOCS.read_text(encoding="utf-8")
        (sandbox,) = re.findall(r"`(allow-scripts allow-same-origin[a-z -]*)`", text)
        elsewhere = f"http://localhost:{server.port}/"
        frames = "".join(
            f"location /{name} {{ default_type text/html; return 200 "
            f"'{frame.replace('URL', elsewhere).replace('SANDBOX', sandbox)}'; }}"
            for name, frame in FRAMES.items()
        )
        whole = f"location /gtt/ {{ proxy_pass {below.url}; proxy_set_header Host $http_host; }}"
        places = {
            "documented": documented(0, server),
            "below": documented(1, below),
            "whole": whole,
            "deep": documented(1, deep).replace("/gtt/", "/a/b/"),
            "host": f"location / {{ proxy_pass {server.url}; proxy_set_header Host $host; }}",
            "bare": f"location / {{ proxy_pass {server.url}; }}",
            "frames": frames,
        }
        proxies = Nginx(folder, places)
        stack.callback(proxies.close)
        for name in ("documented", "bare"):
            transport = httpx.HTTPTransport(retries=10)
            with httpx.Client(transport=transport, timeout=30) as client:
                assert client.get(proxies.url(name, "/healthz")).status_code == 200
        yield proxies


@pytest.mark.parametrize(
    ("name", "path"),
    [("documented", "/"), ("below", "/gtt/"), ("whole", "/gtt/"), ("deep", "/a/b/")],
)
def test_the_page_works_behind_nginx_as_the_docs_set_it_up(
    nginx: Nginx, browser: Browser, name: str, path: str
) -> None:
    watched = Watched(browser, nginx.url(name, path))
    page = watched.open()
    assert page.evaluate("typeof d3.select") == "function"
    open_tab(page, "Model")
    expect(page.get_by_label("Layers", exact=False).first).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.locator(".gtt-surroundings")).to_have_count(0)
    watched.require_calm()


@pytest.mark.parametrize("name", ["host", "bare"])
def test_the_page_says_what_a_proxy_breaks(nginx: Nginx, browser: Browser, name: str) -> None:
    watched = Watched(browser, nginx.url(name), width=390)
    watched.page.goto(watched.url)
    alert = watched.page.locator(".gtt-surroundings")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text(f"127.0.0.1:{nginx.ports[name]}")
    expect(alert).to_contain_text("GTT_ALLOWED_HOSTS=127.0.0.1")
    expect(alert).to_contain_text("proxy_set_header Host $http_host")
    shoot(watched.page, f"proxy-{name}")
    assert watched.strangers == []


def frame_of(frames: list[Frame]) -> Frame:
    return next(frame for frame in frames if frame.url.startswith("http://localhost:"))


def test_a_frame_whose_sandbox_cuts_it_off_says_so(nginx: Nginx, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(nginx.url("frames", "/sandboxed"))
    frame = frame_of(page.frames)
    alert = frame.locator(".gtt-surroundings")
    expect(alert).to_contain_text("add allow-same-origin to the frame")
    expect(alert.get_by_role("link")).to_have_attribute("href", frame.url)
    page.goto(nginx.url("frames", "/documented"))
    frame = frame_of(page.frames)
    expect(frame.locator("#start")).to_be_visible(timeout=SLOW)
    expect(frame.locator(".gtt-surroundings")).to_have_count(0)
    page.close()


def test_the_page_works_where_a_browser_keeps_nothing(nginx: Nginx, tmp_path: Path) -> None:
    """In a process of its own: this browser has other settings than that of the other tests."""
    (tmp_path / "Default").mkdir()
    settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(settings))
    script = f"""
from playwright.sync_api import expect, sync_playwright
with sync_playwright() as driver:
    context = driver.chromium.launch_persistent_context(
        {str(tmp_path)!r}, executable_path={CHROMIUM!r}, args={FLAGS!r})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto({nginx.url("frames", "/plain")!r})
    frame = next(frame for frame in page.frames if frame.url.startswith("http://localhost:"))
    expect(frame.locator("#start")).to_be_visible(timeout={SLOW})
    assert "Memory" in frame.evaluate("localStorage.constructor.name")
    live = frame.locator("#live [data-state], #live[data-state]").first
    expect(live).to_be_attached(timeout={SLOW})
    frame.evaluate("localStorage.setItem('a', 1); localStorage.getItem('a') === '1' || fail()")
    frame.get_by_role("tab", name="Data", exact=True).click()
    assert complaints == [], complaints
    context.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
