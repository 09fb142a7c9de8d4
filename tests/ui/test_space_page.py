"""The page as a Space has it: its variables and name, code and account that cannot be written to.

It starts a browser and a server, since that is what is asked: whether it works there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import (
    CHROMIUM,
    FLAGS,
    SMALL,
    Watched,
    part,
    shoot,
    unfold,
    wait_for_state,
    wait_for_step,
)
from playwright.sync_api import Browser, Playwright, expect
from serving import ROOT, Server, free_port, is_free, processes_of

from gtt.listening import USUAL_PORT

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

HOST = "gtt-gtt.hf.space"
# Root may write anywhere: without these it is refused what others are.
POWERS = "--bounding-set=-dac_override,-dac_read_search"
UNPRIVILEGED = ["setpriv", POWERS] if os.name == "posix" and os.geteuid() == 0 else []
OFTEN = "&set=training.checkpoint_every:10&set=training.eval_every:10"


# Under the name of a Space, Gradio's front end asks the Hub how the Space is and fetches fonts for
# a mark of its own; the page's headers refuse both, and the browser says so.
GRADIO_ON_SPACES = re.compile(r"https://huggingface\.co/api/spaces/by-subdomain/|^Space not found$")


class OnSpace(Watched):
    """A page that is calm but for what Gradio itself tries on every Space."""

    def require_calm(self) -> None:
        self.complaints = [one for one in self.complaints if not GRADIO_ON_SPACES.search(one)]
        self.strangers = [one for one in self.strangers if not GRADIO_ON_SPACES.search(one)]
        super().require_calm()


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in the environment of a Space without a volume."""
    folder = tmp_path_factory.mktemp("space")
    code, account = folder / "app", folder / "account"
    for name in ("gtt", "recipes"):
        shutil.copytree(ROOT / name, code / name)
    shutil.copy(ROOT / "app.py", code)
    account.mkdir()
    for path in (account, code, *code.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    temporary = folder / "tmp"
    port = USUAL_PORT if is_free(USUAL_PORT) else free_port()
    if port != USUAL_PORT:  # by somebody's GTT, say; the rest is tested all the same
        warnings.warn(f"port {USUAL_PORT} is taken here, so the Space has {port}", stacklevel=1)
    server = Server(
        temporary / "gtt",
        port=port,
        GTT_HOME="",
        PYTHONPATH="",
        GRADIO_TEMP_DIR="",
        TMPDIR=str(temporary),
        HOME=str(account),
        XDG_CACHE_HOME="",
        GRADIO_SERVER_NAME="127.0.0.1",
        SPACE_ID="gtt/gtt",
        SPACE_HOST=HOST,
        SPACE_AUTHOR_NAME="gtt",
        SPACE_REPO_NAME="gtt",
        SYSTEM="spaces",
        OMP_NUM_THREADS="1",
    )
    python = os.environ.get("GTT_SPACE_PYTHON") or sys.executable
    server.command = [*UNPRIVILEGED, python, str(code / "app.py")]
    assert subprocess.run([*UNPRIVILEGED, "touch", str(code / "new")], check=False).returncode != 0
    try:
        yield server.start()
    finally:
        server.end_everything()
        for path in (account, code, *code.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture(scope="module")
def browser(driver: Playwright) -> Iterator[Browser]:
    """One that finds the Space under its name."""
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    one = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, rules])
    yield one
    one.close()


def fall_asleep(server: Server) -> None:
    """Everything ends at once, as when a Space is put to sleep."""
    server.kill()
    for process in processes_of(server.home):
        process.kill()
        process.wait(10)


def test_a_run_on_a_space_and_what_is_left_when_it_wakes(space: Server, browser: Browser) -> None:
    watched = OnSpace(browser, f"http://{HOST}:{space.port}/")
    page = watched.go_to(f"{watched.url}{SMALL}{OFTEN}&set=training.max_steps:20")
    expect(page.locator("#forgets")).to_have_text(
        "This Space has no volume: when it sleeps or restarts, its disk is empty again. "
        "What you want to keep, take home."
    )
    page.locator("#start").click()
    wait_for_state(page, "completed")
    expect(part(page, "state")).to_contain_text("step 20 of 20")
    unfold(page, "Take it home")
    with page.expect_download() as taken:
        page.locator('#downloads [data-file="model"]').click()
    assert Path(taken.value.path()).stat().st_size > 10_000
    shoot(page, "space")

    watched.go_to(f"{watched.url}{SMALL}{OFTEN}&set=training.max_steps:5000")
    page.locator("#start").click()
    wait_for_state(page, "running")
    wait_for_step(page, 20)
    watched.require_calm()
    fall_asleep(space)
    space.start()
    page = watched.open()
    wait_for_state(page, "interrupted")
    expect(page.locator("#runs")).to_contain_text("completed")  # the other one is found again, too
    shoot(page, "space-awake")
    page.locator("#resume").click()
    wait_for_state(page, "running")
    assert wait_for_step(page, 19) >= 20
    page.locator("#stop").click()
    wait_for_state(page, "stopped")
    watched.require_calm()
    page.context.close()
