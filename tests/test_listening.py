"""Addresses that cannot be listened on get one sentence before anything is loaded."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Server, free_port, wait_until_done

from gtt.errors import BadInput
from gtt.listening import (
    OWN_PATHS,
    USUAL_PORT,
    Address,
    address_from,
    next_free_port,
    reach_oneself,
    refuse_unusable,
    settle_sub_path,
    where_to_open,
)

ROOT = Path(__file__).resolve().parent.parent


def listening(port: int = 0, name: str = "127.0.0.1") -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((name, port))
    listener.listen(1)
    return listener


@pytest.mark.parametrize("text", ["abc", "80000", "0", "-1", "7860.5", "²", "99999999999999"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput, match=f"GRADIO_SERVER_PORT={text} is not a port"):
        address_from({"GRADIO_SERVER_PORT": text})


def test_the_address_is_read_from_the_environment() -> None:
    assert address_from({}) == Address("127.0.0.1", USUAL_PORT, False)
    assert address_from({"GRADIO_SERVER_PORT": ""}, on_space=True) == ("0.0.0.0", USUAL_PORT, False)
    given = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": " 8080 "}
    assert address_from(given) == Address("0.0.0.0", 8080, True)


def test_a_taken_port_offers_the_next_free_one() -> None:
    with listening() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput) as refused:
            refuse_unusable(Address("127.0.0.1", port, True))
        free = next_free_port("127.0.0.1", port + 1)
        assert free is not None and free > port
        assert f"Port {port} is taken" in refused.value.message
        assert f"GRADIO_SERVER_PORT={free} python app.py" in refused.value.message
        with pytest.raises(BadInput, match="is taken"):  # for all addresses as well
            refuse_unusable(Address("0.0.0.0", port, True))
    refuse_unusable(Address("127.0.0.1", free, True))
    refuse_unusable(Address("localhost", free_port(), True))


@pytest.mark.parametrize("name", ["nowhere.invalid", "203.0.113.9", "a..b", "x" * 300, "[::g]"])
def test_a_name_that_leads_nowhere_here_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no address of this machine"):
        refuse_unusable(Address(name, free_port(), True))


@pytest.mark.parametrize(
    "given", ["/gtt", "gtt/", "/gtt/", "https://school.example/gtt/", "/a/api"]
)
def test_a_sub_path_is_settled(given: str) -> None:
    environment = {"GRADIO_ROOT_PATH": given}
    settled = settle_sub_path(environment)
    assert environment["GRADIO_ROOT_PATH"] == settled
    assert settled.endswith(("/gtt", "/a/api")) and settled[0] in "/h"
    assert settle_sub_path({}) == "" == settle_sub_path({"GRADIO_ROOT_PATH": " "})


@pytest.mark.parametrize("given", ["/api", "docs/", "https://school.example/assets", "/config/x"])
def test_a_sub_path_that_the_page_serves_itself_is_refused(given: str) -> None:
    with pytest.raises(BadInput, match=r"GRADIO_ROOT_PATH=.* such as /gtt"):
        settle_sub_path({"GRADIO_ROOT_PATH": given})


@pytest.mark.parametrize(
    "given",
    [
        "http://[x/gtt",
        "/a b",
        "/gtt?x=1",
        "/gtt#top",
        "ftp://school.example/gtt",
        "/../gtt",
        "/g//t",
    ]
    + ["/größe", "/gtt/.", "https://", "https://a b/gtt", "C:\\gtt", "/gtt;x", "'/gtt'"],
)
def test_a_sub_path_that_is_no_address_is_refused(given: str) -> None:
    """One that no proxy or browser passes on as it is written; the page would be dead."""
    with pytest.raises(BadInput, match=rf"GRADIO_ROOT_PATH={re.escape(given)} is no address"):
        settle_sub_path({"GRADIO_ROOT_PATH": given})


def test_every_path_of_the_app_is_known() -> None:
    """Those that a request can reach; under one of them as its sub-path the page would be dead."""
    script = (
        "import app, gtt.api.table; from gtt.rest import routes; from gtt.ui.assets import *;"
        "from gradio.routes import App; import gradio;"
        "made = App.create_app(gradio.Blocks());"
        "routers = [one for one in made.routes if not hasattr(one, 'path')];"
        "included = [one.original_router.routes for one in routers];"
        "found = [*made.routes, *asset_routes(), *sum(included, [])];"
        "paths = [route.path for route in found if hasattr(route, 'path')];"
        "paths += [row.path for row in gtt.api.table.TABLE.values()];"
        "print(*sorted({path.split('/')[1].partition('{')[0] for path in paths} - {''}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    own = {name.rstrip("=") for name in done.stdout.split()}
    assert {"api", "page-files", "gradio_api", "config", "assets"} <= own
    assert own - {"proxy"} <= OWN_PATHS, own - OWN_PATHS
    assert "gtt" not in own


def test_a_proxy_for_the_network_is_kept_out_of_what_stays_here() -> None:
    environment = {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "school.example"}
    reach_oneself(environment)
    assert environment["NO_PROXY"] == "school.example,127.0.0.1,localhost,::1"
    assert environment["no_proxy"] == environment["NO_PROXY"]  # which Python prefers
    everything = {"HTTP_PROXY": "http://proxy:3128", "no_proxy": "*"}
    reach_oneself(everything)
    assert everything["no_proxy"] == "*"  # in a list it would be the name of a host


def test_the_page_ends_with_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with listening() as taken:
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py")],
            cwd=tmp_path,
            env={
                **os.environ,
                "GTT_HOME": str(tmp_path),
                "GRADIO_SERVER_PORT": str(taken.getsockname()[1]),
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("gtt: Port ") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_page_starts_in_the_surroundings_of_others(tmp_path: Path) -> None:
    """A proxy that is not there, an ASCII console, variables of launchers, a home of no account."""
    server = Server(
        tmp_path / "home",
        HTTP_PROXY="http://127.0.0.1:9",
        http_proxy="http://127.0.0.1:9",
        PYTHONIOENCODING="ascii",
        WORLD_SIZE="2",
        ACCELERATE_USE_DEEPSPEED="true",
        HOME=str(ROOT / "app.py" / "home"),
        OMP_NUM_THREADS="1",
    )
    try:
        server.start()
        text = "Zażółć gęślą jaźń 中文字符 😀\n" * 300
        with server.client() as client:
            saved = client.post(
                "/api/datasets/upload", params={"name": "中.txt"}, content=text.encode()
            )
            source = saved.raise_for_status().json()["source"]
            small = {"n_layers": 1, "n_heads": 2, "n_embed": 16, "block_size": 16}
            config = {
                "data": {"source": source, "tokenizer": "char"},
                "model": small,
                "training": {"max_steps": 4, "batch_size": 4},
            }
            order = {"recipe": "quickstart", "config": config, "name": "jaźń"}
            run = client.post("/api/runs", json=order).raise_for_status().json()["run"]
            assert wait_until_done(client, run["id"])["state"] == "completed"
        assert "Traceback" not in server.log()
    finally:
        server.end_everything()


@pytest.mark.parametrize(
    ("name", "place"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("[::1]", "[::1]"), ("0.0.0.0", "localhost")],
)
def test_where_the_page_is_can_be_opened_as_it_is_written(name: str, place: str) -> None:
    told = where_to_open(Address(name, 7861, chosen=True))
    assert told.startswith(f"The page is at http://{place}:7861")
    assert ("network" in told) == (name == "0.0.0.0")
