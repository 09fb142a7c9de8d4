"""Jobs of the Hub in the terminal: prices of machines, training on one, following one again."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from gtt.config import RunConfig
from gtt.console import json_line
from gtt.errors import BadInput, UnusableRun

OK, FAILED = 0, 1
LOOK_EVERY = 0.3  # seconds between two looks at the journal


def add_job_options(train: argparse.ArgumentParser) -> None:
    """The options of `train` for a machine of the Hub."""
    train.add_argument(
        "--on", metavar="MACHINE", help="train on a machine of the Hub (python -m gtt jobs lists)"
    )
    train.add_argument("--minutes", type=float, metavar="N", help="its time limit (default: 60)")
    train.add_argument("--repo", metavar="USER/NAME", help="a new private repository for the job")
    train.add_argument("--yes", action="store_true", help="agree to its price without being asked")


def add_jobs_command(commands: Any) -> None:
    """The command `jobs`."""
    jobs = commands.add_parser("jobs", help="machines of the Hub and their prices; follow a run")
    jobs.add_argument("run_dir", type=Path, nargs="?", help="a run to follow again on the Hub")
    jobs.add_argument("--json", action="store_true")
    jobs.set_defaults(command=jobs_command)


def jobs_command(options: argparse.Namespace) -> int:
    """`jobs`: the machines with their prices; with a run's folder, its job is followed again."""
    if options.run_dir is not None:
        return follow_again(options)
    from dataclasses import asdict

    from gtt.hub.jobs.hardware import dollars, flavors, public_api

    machines = flavors(public_api())
    if options.json:
        print(json_line([asdict(flavor) for flavor in machines]))
        return OK
    for flavor in machines:
        print(f"{flavor.name}: {flavor.title}, {dollars(flavor.dollars_per_hour)} an hour")
        print(f"    {', '.join(filter(None, [flavor.cpu, flavor.memory, flavor.gpu]))}")
    print("Train on one with: python -m gtt train --on MACHINE --minutes 30")
    return OK


def refuse_job_options(options: argparse.Namespace) -> None:
    """Raises `BadInput` for an option of `--on` without it."""
    job_options = {
        "--minutes": options.minutes,
        "--repo": options.repo,
        "--yes": options.yes or None,
    }
    for name, value in job_options.items():
        if value is not None:
            raise BadInput(f"{name} is for a machine of the Hub: name one with --on.")


def train_on_hub(config: RunConfig, name: str, options: argparse.Namespace) -> int:
    """`train --on`: the price first, then the run as if it were here; Ctrl-C cancels the job."""
    from gtt.hub.jobs.follow_start import refuse_tracker, start_job
    from gtt.hub.jobs.hardware import (
        checked_minutes,
        checked_price,
        dollars,
        flavor_named,
        flavors,
        proposed_minutes,
        public_api,
    )
    from gtt.hub.names import repo_name
    from gtt.hub.push_start import checked_token, own_token
    from gtt.runs.folder import RunFolder, claim_folder
    from gtt.runs.home import Home
    from gtt.runs.hub_job import JobState

    refuse_tracker(config)
    repo = repo_name(options.repo) if options.repo else None
    token = checked_token(own_token())
    minutes_wanted = proposed_minutes(None) if options.minutes is None else options.minutes
    minutes = checked_minutes(minutes_wanted)
    flavor = flavor_named(flavors(public_api()), options.on)
    price = flavor.at_most(minutes)
    print(
        f"{flavor.title}: {dollars(flavor.dollars_per_hour)} an hour, at most {dollars(price)} in "
        f"{minutes:g} minutes, on your account at the Hub.",
        file=sys.stderr,
    )
    _require_agreement(options.yes)
    checked_price(flavor, minutes, price)
    home = Home.from_environment()
    folder = options.out.absolute() if options.out else home.new_run(config.name)
    claim_folder(folder)
    RunFolder(folder).create(config, None)
    state = JobState(
        flavor=flavor.name,
        title=flavor.title,
        dollars_per_hour=flavor.dollars_per_hour,
        minutes=minutes,
        at_most=price,
        repo=repo,
    )
    worker = start_job(folder, state, home, token=token, uploads=None)
    return _show(folder, worker, name, as_json=options.json)


def follow_again(options: argparse.Namespace) -> int:
    """`jobs RUN_DIR`: where nobody follows the run's job any more, or to look on where one does."""
    from gtt.hub.jobs.follow_start import follow_job
    from gtt.hub.push_start import checked_token, own_token
    from gtt.runs.folder import RunFolder
    from gtt.runs.home import Home
    from gtt.runs.hub_job import is_unsettled
    from gtt.runs.processes import Worker

    folder = options.run_dir.absolute()
    RunFolder(folder).about()
    worker = Worker.find(folder)
    if worker is None:
        if not is_unsettled(folder):
            raise UnusableRun(f"{folder} has no job on the Hub that could still be at work.")
        home = Home.from_environment()
        worker = follow_job(folder, home, token=checked_token(own_token()))
    return _show(folder, worker, folder.name, as_json=options.json)


def _require_agreement(yes: bool) -> None:
    """Raises `BadInput` where nobody agrees to the price."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here whether that price is fine: add --yes.")
    print("Start it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BadInput("Nothing was started.")


def _show(folder: Path, worker: Any, name: str, *, as_json: bool) -> int:
    """Shows the run while it is followed; Ctrl-C cancels its job."""
    from gtt.data.progress import Progress
    from gtt.display import JsonDisplay, TerminalDisplay
    from gtt.runs.hub_job import UNASKED, JobFolder
    from gtt.runs.journal import read_journal
    from gtt.training.events import RunEnded

    display: Any = JsonDisplay() if as_json else TerminalDisplay(name)
    watcher, last_seq, end = display.watcher(), 0, None
    with display:
        while True:
            try:
                is_over = not worker.is_alive()
                for record in read_journal(folder / "journal.jsonl", last_seq):
                    last_seq = record["seq"]
                    if record["type"] == "RunEnded":
                        end = RunEnded(
                            record["step"], record["reason"], record["message"], record["seconds"]
                        )
                    if record["type"] == "PreparationProgressed" and not as_json:
                        parts = (record[part] for part in ("stage", "done", "total", "unit"))
                        watcher.preparing(Progress(*parts))
                    else:
                        watcher.record(record)
                        if record["type"] == "StepLogged":
                            watcher.step(record["step"])
                if is_over:
                    break
                time.sleep(LOOK_EVERY)
            except KeyboardInterrupt:
                print("Cancelling the job and fetching what it saved …", file=sys.stderr)
                worker.ask_to_stop()
    job = JobFolder(folder).read()
    if job is not None and job.stage == "over" and job.id is None and job.message:
        shutil.rmtree(folder, ignore_errors=True)  # nothing was begun anywhere
        raise BadInput(job.message)
    if end is None and job is not None and job.stage == "submitting" and not job.is_unsettled:
        shutil.rmtree(folder, ignore_errors=True)
        raise UnusableRun(UNASKED)
    if end is None:
        message = job.message if job is not None else None
        raise UnusableRun(
            f"{message or 'Nobody follows the job any more.'} Follow it with: python -m gtt jobs "
            f"{shlex.quote(str(folder))}"
        )
    if job is not None and job.message:
        print(job.message, file=sys.stderr)
    display.finish(folder, end)
    return FAILED if end.reason in ("failed", "diverged") else OK
