"""A run that is to train on a machine of the Hub's stand-in, and following it in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hub_standin import HubStandin
from huggingface_hub import HfApi
from jobs_standin import Job, Jobs

from gtt.config import RunConfig
from gtt.hub.jobs.account import Account
from gtt.hub.jobs.follower import Follower
from gtt.hub.jobs.remote_run import JOURNAL
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.hub_job import JobFolder, JobState
from gtt.runs.journal import read_journal

TOKEN = "hf_anna"


@dataclass
class Case:
    """The run's folder, its Hub, and who follows it."""

    hub: HubStandin
    jobs: Jobs
    home: Home
    folder: Path
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def state(self) -> JobState:
        """The job as it is on record."""
        state = JobFolder(self.folder).read()
        assert state is not None
        return state

    def change(self, **changes: Any) -> None:
        """Puts other values of the job on record."""
        JobFolder(self.folder).write(replace(self.state, **changes))

    @property
    def job(self) -> Job:
        """The only job that the Hub has."""
        (job,) = self.jobs.jobs.values()
        return job

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        return events(self.folder, kind)

    @property
    def end(self) -> dict[str, Any]:
        """The only end that the journal tells."""
        (end,) = self.events("RunEnded")
        return end

    def follow(self, token: str = TOKEN) -> JobState:
        """Submits where that was not done, and follows in this thread, to the end."""
        account = Account(HfApi(endpoint=self.hub.url, token=token), token)
        return Follower(self.folder, account, self.stop).run()

    @contextmanager
    def following(self, token: str = TOKEN) -> Iterator[None]:
        """The same in another thread, which has ended when the block is left."""
        wrong: list[BaseException] = []

        def work() -> None:
            try:
                self.follow(token)
            except BaseException as error:
                wrong.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield
        thread.join(60)
        assert not thread.is_alive(), "it goes on following"
        if wrong:
            raise wrong[0]


def begun(hub: HubStandin, jobs: Jobs, home: Home, config: RunConfig, **changes: Any) -> Case:
    """A run that is to train on the Hub, and its job before it is submitted."""
    folder = home.new_run(config.name)
    folder.mkdir(parents=True)
    RunFolder(folder).create(config, None)
    values = {"dollars_per_hour": 0.01, "minutes": 15.0, "at_most": 0.01, **changes}
    JobFolder(folder).write(JobState("cpu-basic", "CPU Basic", **values))
    return Case(hub, jobs, home, folder)


def events(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    records = list(read_journal(folder / "journal.jsonl"))
    return [one for one in records if kind in (None, one["type"])]


def script(trained: Path) -> list[str]:
    """What a job says that trained as that run did."""
    lines = (f"{JOURNAL}{json.dumps(one)}" for one in events(trained))
    return ["Installed 90 packages", *lines]
