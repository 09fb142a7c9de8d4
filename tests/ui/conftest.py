"""One browser and one server for the tests of the page in each test process.

Each test has a context of its own in the browser, each file a cleared desk on the server.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Server, serving


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as at home: one desk, no limits."""
    home = tmp_path_factory.mktemp("laptop") / "home"
    with serving(home, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="") as one:
        yield one


@pytest.fixture(scope="module")
def server(laptop: Server) -> Server:
    """The same with a cleared desk. Tests that kill their server or limit it start their own."""
    laptop.clear_desk()
    return laptop
