"""The front end as it is served, and what it takes from the Python side."""

from __future__ import annotations

import gzip
import re

from starlette.applications import Starlette
from starlette.testclient import TestClient

from gtt.api.front_end import TABLE_FILE, table_module
from gtt.explain import concepts, explain
from gtt.ui.assets import WEB, asset_routes, front_end, head, styles


def test_the_table_of_endpoints_is_the_one_of_the_server() -> None:
    written = TABLE_FILE.read_text(encoding="utf-8")
    assert written == table_module(), "run: python .ci/front_end.py"


def test_every_file_that_a_module_imports_is_served_for_ever() -> None:
    client = TestClient(Starlette(routes=asset_routes()))
    modules = [path for folder in ("lib", "views") for path in (WEB / folder).rglob("*.js")]
    assert len(modules) > 10
    for path in modules:
        wanted = re.findall(r'from "(\..*?)"', path.read_text(encoding="utf-8"))
        names = [path, *((path.parent / name).resolve() for name in wanted)]
        for name in names:
            address = front_end().address(name.relative_to(WEB).as_posix())
            answer = client.get(f"/{address}")
            assert answer.status_code == 200, f"{path.name} imports {name}"
            assert answer.headers["content-type"].startswith("text/javascript")
            assert "immutable" in answer.headers["cache-control"]
            assert answer.content == name.read_bytes()


def test_the_style_of_all_views_is_one_file() -> None:
    client = TestClient(Starlette(routes=asset_routes()))
    address = re.findall(r'href="(.*?)"', head())[0]
    packed = client.get(f"/{address}", headers={"Accept-Encoding": "gzip"})
    plain = client.get(f"/{address}", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content and len(gzip.compress(plain.content)) < len(
        plain.content
    )
    assert len(styles()) > 5
    for path in styles():
        assert path.read_bytes() in plain.content


def test_the_concepts_are_a_file_beside_the_modules() -> None:
    client = TestClient(Starlette(routes=asset_routes()))
    answer = client.get(f"/{front_end().address('concepts.json')}")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told.keys() == concepts().keys()
    assert told["dropout"]["title"] == explain("dropout").title
    assert told["dropout"]["body"] == explain("dropout").body


def test_what_is_no_file_of_it_is_not_there() -> None:
    client = TestClient(Starlette(routes=asset_routes()))
    mark = front_end().mark
    for name in (f"{mark}/lib/none.js", "0000000000000000/lib/api.js", f"{mark}/../app.py"):
        assert client.get(f"/page-files/{name}").status_code == 404
