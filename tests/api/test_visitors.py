"""What a visitor's configuration may ask for, decided without a network or a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gtt.api.api_errors import Forbidden
from gtt.api.service import Service
from gtt.api.visitors import allowed
from gtt.config import RunConfig
from gtt.errors import InvalidSetting
from gtt.runs.home import Home
from gtt.runs.limits import Limits

KEY = "a-key-that-is-long-enough"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    one = Service(Home(tmp_path), Limits.for_space(allow_hub=False), spare=False)
    yield one
    one.close()


def test_without_the_hub_neither_its_data_nor_its_tokenizers_serve(service: Service) -> None:
    caller = service.caller(KEY)
    for data in ({"source": "owner/name"}, {"tokenizer": "pretrained"}):
        with pytest.raises(Forbidden):
            allowed(RunConfig().updated({"data": data}), caller)


def test_what_is_left_open_is_bounded_and_what_is_asked_for_is_refused(service: Service) -> None:
    caller = service.caller(KEY)
    assert allowed(RunConfig(), caller).training.max_minutes == service.limits.max_minutes
    for changes, field in (
        ({"training": {"max_minutes": 1000}}, "training.max_minutes"),
        ({"training": {"max_steps": 10**6}}, "training.max_steps"),
        ({"training": {"compile": True}}, "training.compile"),
        ({"training": {"track": "tensorboard"}}, "training.track"),
        ({"data": {"max_megabytes": 10_000}}, "data.max_megabytes"),
        ({"model": {"n_embed": 4096, "n_layers": 12}}, "model.n_embed"),
        ({"data": {"source": "README.md"}}, "data.source"),
        ({"data": {"source": "upload:abcdefghij"}}, "data.source"),
    ):
        with pytest.raises(InvalidSetting) as caught:
            allowed(RunConfig().updated(changes), caller)
        assert caught.value.field == field


def test_a_resumed_run_keeps_data_that_could_not_be_chosen_here(service: Service) -> None:
    config = RunConfig().updated({"data": {"source": "/home/somebody/book.txt"}})
    assert allowed(config, service.caller(KEY), is_resumed=True).data == config.data
