"""Files of the page: our own scripts and styles, and D3 from the package that brings it along."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from gtt.ui.concept_texts import terms

STATIC = Path(__file__).parent / "static"
WEB = Path(__file__).parents[1] / "web"
# No sub-path of a proxy is called so: under /gtt, /gtt/… would be the page's own.
FILES = "page-files"
D3_PATH = f"/{FILES}/d3.v5.min.js"
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
KINDS = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
# Relative, so that the page also works under a path that a proxy gives it.
D3_HEAD = '<script src="page-files/d3.v5.min.js" defer></script>'


@cache
def static_text(name: str) -> str:
    """One of our own files."""
    return (STATIC / name).read_text(encoding="utf-8")


def first_scripts(*names: str) -> str:
    """Scripts of `gtt/web/page` that are no modules, since they run before any of Gradio's."""
    return "".join((WEB / "page" / f"{name}.js").read_text(encoding="utf-8") for name in names)


def d3_file() -> Path:
    """D3 5 as the mpld3 package ships it; found without importing that, which loads matplotlib."""
    spec = importlib.util.find_spec("mpld3")
    assert spec is not None and spec.origin is not None, "mpld3 is not installed"
    return Path(spec.origin).parent / "js" / "d3.v5.min.js"


@dataclass(frozen=True)
class FrontEnd:
    """The modules and the style of the page, as they were when the program began.

    `mark` names their content: an address with it never gives anything else, so that a browser
    asks for it once.
    """

    mark: str
    files: dict[str, bytes]

    def address(self, name: str) -> str:
        """Of a file, relative to the page."""
        return f"{FILES}/{self.mark}/{name}"


def styles() -> list[Path]:
    """Every style sheet of `gtt/web`."""
    return list(WEB.rglob("*.css"))


def _rank(style: Path) -> tuple[Any, ...]:
    """What a folder says for all within it comes first, and of a folder its `style.css`."""
    return len(style.parts), style.parent, style.name != "style.css", style.name


@cache
def front_end() -> FrontEnd:
    """What browsers load: the modules of `gtt/web`, its styles as one, the concepts as one."""
    files = {
        path.relative_to(WEB).as_posix(): path.read_bytes()
        for folder in ("lib", "page", "views")
        for path in sorted((WEB / folder).rglob("*.js"))
    }
    files["style.css"] = b"\n".join(path.read_bytes() for path in sorted(styles(), key=_rank))
    files["concepts.json"] = json.dumps(terms()).encode()
    content = hashlib.sha256()
    for name, data in files.items():
        content.update(f"{name} {len(data)} ".encode() + data)
    return FrontEnd(content.hexdigest()[:16], files)


def head() -> str:
    """What stands in the page's head, for `launch(head=…)`: D3, the style of all views, and every
    module, so that a tab that is opened has its own already."""
    found = front_end()
    modules = [name for name in found.files if name.endswith(".js") and "page/" not in name]
    links = [f'<link rel="modulepreload" href="{found.address(name)}">' for name in modules]
    style = f'<link rel="stylesheet" href="{found.address("style.css")}">'
    return "\n".join((D3_HEAD, style, *links))


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(front_end().files[name], mtime=0)


async def _file(request: Request) -> Response:
    """One file of the front end, packed where the browser unpacks."""
    found, name = front_end(), request.path_params["name"]
    if request.path_params["mark"] != found.mark or name not in found.files:
        return Response(status_code=404)
    headers, data = dict(FOR_EVER), found.files[name]
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"], data = "gzip", _packed(name)
    return Response(data, headers=headers, media_type=KINDS[Path(name).suffix])


def asset_routes() -> list[BaseRoute]:
    """What the page loads beside what Gradio serves."""
    path = d3_file()

    async def d3(request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=604800"}
        return FileResponse(path, media_type="text/javascript", headers=headers)

    return [Route(D3_PATH, d3), Route(f"/{FILES}/{{mark}}/{{name:path}}", _file)]
