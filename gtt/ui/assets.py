"""Files of the page: our own scripts and styles, and D3 from the package that brings it along."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from gradio import routes
from jinja2 import ChoiceLoader, DictLoader
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

STATIC = Path(__file__).parent / "static"
PAGE = "frontend/index.html"  # among Gradio's templates
# No sub-path of a proxy is called so: under /gtt, /gtt/… would be the page's own.
D3_PATH = "/page-files/d3.v5.min.js"
# Relative, so that the page also works under a path that a proxy gives it.
D3_HEAD = '<script src="page-files/d3.v5.min.js"></script>'


@cache
def static_text(name: str) -> str:
    """One of our own files."""
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def static_script(folder: str, *names: str) -> str:
    """Several of our own scripts as one, in this order; they share one scope."""
    return "\n".join(static_text(f"{folder}/{name}.js") for name in names)


def run_first(script: str) -> None:
    """Lets every page of this process run a script before any of Gradio's; its links are relative.

    `launch(head=…)` comes too late for what changes the browser's own functions.
    """
    environment = routes.templates.env
    assert environment.loader is not None
    page, _, _ = environment.loader.get_source(environment, PAGE)
    # Both would be asked of the root of the site, which under a sub-path is somebody else's.
    page = page.replace('href="/manifest.json"', 'href="manifest.json"')
    icon = '<link rel="icon" href="favicon.ico" />'
    first = page.replace("<head>", f"<head>\n{icon}\n<script>{script}</script>", 1)
    environment.loader = ChoiceLoader([DictLoader({PAGE: first}), environment.loader])


def d3_file() -> Path:
    """D3 5 as the mpld3 package ships it; found without importing that, which loads matplotlib."""
    spec = importlib.util.find_spec("mpld3")
    assert spec is not None and spec.origin is not None, "mpld3 is not installed"
    return Path(spec.origin).parent / "js" / "d3.v5.min.js"


def asset_routes() -> list[BaseRoute]:
    """What the page loads beside what Gradio serves."""
    path = d3_file()

    async def d3(request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=604800"}
        return FileResponse(path, media_type="text/javascript", headers=headers)

    return [Route(D3_PATH, d3)]
