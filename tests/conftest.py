"""Small real parts that many tests share: a text, its corpus, settings that train in a blink.

And one browser for each test process, in which every test has a context of its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Playwright, sync_playwright
from ui.browsing import CHROMIUM, FLAGS

from gtt.config import RunConfig
from gtt.data.corpus import Corpus, build_corpus
from gtt.data.tales import write_tales

# What a shell starts in the background ignores Ctrl+C, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network fails at once
# The processes that tests start have models too small for two threads, and there are many of them.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with servers and browsers come first: at the end no process is left with a long one."""
    items.sort(key=lambda item: item.path.parent.name not in ("ui", "runs", "api"))


class SharedBrowser:
    """Playwright and a Chromium, started when a test asks for them and kept for the next ones.

    They end before a file whose first test asks for neither: Playwright holds the event loop of its
    thread, in which such a test may want one of its own. Within a file they stay.
    """

    def __init__(self) -> None:
        self._driver: Playwright | None = None
        self._browser: Browser | None = None
        self._open = ExitStack()

    def driver(self) -> Playwright:
        if self._driver is None:
            self._driver = self._open.enter_context(sync_playwright())
        return self._driver

    def browser(self) -> Browser:
        if self._browser is None:
            launch = self.driver().chromium.launch
            self._browser = launch(executable_path=CHROMIUM, args=FLAGS)
            self._open.callback(self._browser.close)
        return self._browser

    def close(self) -> None:
        self._open.close()
        self._driver = self._browser = None


SHARED = SharedBrowser()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    is_left = nextitem is None or nextitem.path != item.path
    if is_left and "driver" not in getattr(nextitem, "fixturenames", ()):
        SHARED.close()


@pytest.fixture(scope="module")
def driver() -> Playwright:
    """Playwright, for a test that starts a browser with flags of its own."""
    return SHARED.driver()


@pytest.fixture(scope="module")
def browser(driver: Playwright) -> Browser:
    """The browser of this test process."""
    return SHARED.browser()


@pytest.fixture(autouse=True)
def closed_pages(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test opened in a browser ends with it, also where it fails."""
    if "browser" not in request.fixturenames:
        yield
        return
    browser: Browser = request.getfixturevalue("browser")
    before = list(browser.contexts)
    yield
    for context in browser.contexts:
        if context not in before:
            context.close()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The models here are too small for two threads to help."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 kB of Tales in a file: as a file it has no exam, which would take most of the time."""
    path = tmp_path_factory.mktemp("text") / "tales.txt"
    path.write_text("".join(write_tales(20_000, seed=0)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_config(tiny_text: Path) -> RunConfig:
    """A model of a few thousand weights, character tokens."""
    return RunConfig.parse(
        {
            "name": "tiny",
            "data": {"source": str(tiny_text)},
            "model": {"n_layers": 2, "n_heads": 2, "n_embed": 16, "block_size": 16},
            "training": {
                "batch_size": 4,
                "max_steps": 10,
                "warmup_steps": 2,
                "learning_rate": 1e-2,
                "precision": "fp32",
                "log_every": 1,
                "eval_every": 5,
                "eval_windows": 4,
                "checkpoint_every": 5,
            },
            "generation": {"max_new_tokens": 20},
        }
    )


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of tokenised texts for the whole session."""
    return tmp_path_factory.mktemp("corpora")


@pytest.fixture(scope="session")
def tiny_corpus(tiny_config: RunConfig, corpora: Path) -> Corpus:
    return build_corpus(tiny_config.data, corpora)
