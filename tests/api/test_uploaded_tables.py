"""An uploaded table: what its preview says is what a run trains on, and what one refuses the other
refuses, under the name that the file has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gtt.api.rates import RateLimiter
from gtt.api.service import Service
from gtt.api.workspaces import new_key
from gtt.config import DataConfig
from gtt.data.corpus import Corpus, build_corpus
from gtt.errors import UnusableData
from gtt.rest import routes
from gtt.runs.home import Home
from gtt.runs.limits import Limits

KEY = new_key()
TEXTS = [f"The {['old', 'quick', 'small'][i % 3]} boat number {i} went out." for i in range(90)]


def on_lines(rows: list[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


READ: dict[str, tuple[str, str]] = {
    # Texts by their names.
    "ids.json": (json.dumps({f"id {i}": text for i, text in enumerate(TEXTS)}), "as a row"),
    "numbers.json": (json.dumps({str(i): text for i, text in enumerate(TEXTS)}), "as a row"),
    "pretty.json": (json.dumps(dict(enumerate(TEXTS)), indent=1), "as a row"),
    "rows by id.json": (json.dumps({f"{i} x": {"text": t} for i, t in enumerate(TEXTS)}), "row"),
    "counted.json": (
        json.dumps({"count": 90} | {f"id {i}": text for i, text in enumerate(TEXTS)}),
        "1 other value was left out",
    ),
    "below.json": (
        json.dumps({"made": "today", "texts": {f"id {i}": t for i, t in enumerate(TEXTS)}}),
        "of 'texts' was read",
    ),
    "parts.json": (json.dumps({f"id {i}": [text] for i, text in enumerate(TEXTS)}), "as a row"),
    "own.jsonl": (on_lines([{f"id {i}": text} for i, text in enumerate(TEXTS)]), "no other"),
    # Other tables on the same way.
    "tabs.tsv": ("id\ttext\n" + "".join(f"{i}\t{t}\n" for i, t in enumerate(TEXTS)), "id, text"),
    "tabs.csv": ("id\ttext\n" + "".join(f"{i}\t{t}\n" for i, t in enumerate(TEXTS)), "id, text"),
    "plain.tsv": ("".join(f"{i}\t{t}\n" for i, t in enumerate(TEXTS)), "no heading"),
}
REFUSED: dict[str, tuple[str, str]] = {
    "wide.tsv": ("id\ttext\n1\ta\tb\n", "Line 2 of wide.tsv has 3 cells"),
    "fields.json": (
        json.dumps({"text": "Hello.", "one": TEXTS[0], "two": TEXTS[1], "three": TEXTS[2]}),
        "other fields than 'text'",
    ),
    "volumes.json": (
        json.dumps({f"volume {i}": TEXTS[i * 10 : i * 10 + 10] for i in range(8)}),
        "lies beside 'volume ",
    ),
    "cut.json": (json.dumps(dict(enumerate(TEXTS)))[:-9], "Line 1 of cut.json is no JSON"),
    "numbers.json": (json.dumps({str(i): i for i in range(90)}), "numbers.json"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = Home(tmp_path_factory.mktemp("home"))
    one = Service(home, Limits.for_space(shared_desk=False), spare=False)
    one.rates = RateLimiter.at_home()
    yield one
    one.close()


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[TestClient]:
    app = Starlette(routes=routes(service))
    with TestClient(app, headers={"X-GTT-Workspace": KEY}) as one:
        yield one


def bring(http: TestClient, name: str, text: str) -> str:
    """Uploads a text; its source."""
    answer = http.post("/api/datasets/upload", params={"name": name}, content=text.encode())
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name
    return str(answer.json()["source"])


def train_on(service: Service, source: str, folder: Path) -> Corpus:
    """What a run of this desk would prepare."""
    uploads = service.workspaces.desk(KEY).uploads.folder
    return build_corpus(DataConfig(source=source), folder, uploads=uploads)


@pytest.mark.parametrize("name", READ)
def test_preview_and_run_read_the_same(
    service: Service, http: TestClient, tmp_path: Path, name: str
) -> None:
    text, note = READ[name]
    source = bring(http, name, text)
    asked = {"source": source, "tokenizer": "char"}
    seen = http.get("/api/datasets/preview", params=asked).raise_for_status().json()
    corpus = train_on(service, source, tmp_path)
    assert seen["title"] == name and seen["documents"] == len(TEXTS)
    assert seen["characters"] == len(corpus.train) + len(corpus.validation)
    assert corpus.tokenizer.decode(corpus.train[:30]) == seen["beginning"][:30] == TEXTS[0][:30]
    assert seen["characters"] == sum(map(len, TEXTS)) + 2 * len(TEXTS)
    assert note in " ".join(seen["notes"])
    assert set(seen["notes"]) <= set(corpus.notes)


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_run_refuses_the_preview_refuses_under_its_own_name(
    service: Service, http: TestClient, tmp_path: Path, name: str
) -> None:
    text, words = REFUSED[name]
    source = bring(http, name, text)
    answer = http.get("/api/datasets/preview", params={"source": source})
    assert answer.status_code == 422, answer.text
    told = answer.json()["error"]["message"]
    assert words in told and "text.json" not in told and "text.tsv" not in told
    with pytest.raises(UnusableData) as refused:
        train_on(service, source, tmp_path)
    assert refused.value.message == told
