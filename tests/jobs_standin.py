"""Hugging Face Jobs as the stand-in of the Hub has them: a job is a process of this machine.

The command that a client submits is run as it is, in an empty folder, with the job's variables and
secrets and nothing else of ours. Of the machine only `uv` is not the real one: the `uv` that the
command finds skips the installation, says so in the log, and goes on with this interpreter. Lines
of the log go out as server-sent events, as the Hub sends them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hub_standin import Account, HubStandin, Refused, StandinHandler, hub_standin

GPU = {"type": "gpu", "manufacturer": "Nvidia", "quantity": "1", "model": "A10G", "vram": "24 GB"}
HARDWARE = [
    ("cpu-basic", "CPU Basic", "2 vCPU", "16 GB", None, 0.01),
    ("cpu-upgrade", "CPU Upgrade", "8 vCPU", "32 GB", None, 0.03),
    ("t4-small", "Nvidia T4 - small", "4 vCPU", "15 GB", {**GPU, "model": "T4"}, 0.40),
    ("a10g-small", "Nvidia A10G - small", "4 vCPU", "15 GB", GPU, 1.00),
    ("a100x4", "4x Nvidia A100", "48 vCPU", "568 GB", {**GPU, "quantity": "4"}, 10.00),
]
UV = """\
#!/bin/sh
# In place of uv: passes over `run`, its options and --with, says so, and goes on with `python ...`.
while [ $# -gt 0 ] && [ "$1" != python ]; do
  [ "$1" = --with ] && wanted="$wanted $2"
  shift
done
echo "uv stand-in: not installed, taken as they are here:$wanted"
shift
exec "{python}" "$@"
"""


@dataclass
class Job:
    """A job, by its process; `stage` as the Hub calls it."""

    id: str
    owner: str
    spec: dict[str, Any]
    stage: str = "SCHEDULING"
    message: str | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    started: float | None = None
    finished: float | None = None
    process: subprocess.Popen[str] | None = None

    @property
    def is_over(self) -> bool:
        return self.stage in ("COMPLETED", "CANCELED", "ERROR", "DELETED")

    def say(self, line: str) -> None:
        self.lines.append((_time(time.time()), line))

    def as_json(self) -> dict[str, Any]:
        running = (self.finished or time.time()) - self.started if self.started else None
        return {
            "id": self.id,
            "createdAt": _time(self.created),
            "startedAt": _time(self.started) if self.started else None,
            "finishedAt": _time(self.finished) if self.finished else None,
            "dockerImage": self.spec.get("dockerImage"),
            "command": self.spec["command"],
            "arguments": [],
            "environment": self.spec["environment"],
            "secrets": dict.fromkeys(self.spec.get("secrets", {}), "***"),
            "flavor": self.spec["flavor"],
            "labels": self.spec.get("labels"),
            "status": {"stage": self.stage, "message": self.message},
            "durations": {"runningSecs": None if running is None else int(running)},
            "owner": {"id": "1", "name": self.owner, "type": "user"},
        }


class Jobs:
    """The jobs of a stand-in, and the faults that it is to make."""

    def __init__(self, hub: HubStandin, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self.jobs: dict[str, Job] = {}
        self.credit = True
        self.scoped: set[str] = {"anna"}  # accounts whose token may run jobs
        self.script: list[str] | None = None  # lines that a job says instead of running anything
        self.outcome: Path | None = None  # a run that such a job has sent home when it begins
        self.script_ends = "COMPLETED"
        self.script_message: str | None = None
        self.start_after = 0.0  # seconds in SCHEDULING
        self.cut_logs_after: int | None = None  # lines, then the connection breaks, once
        self.lose_lines: set[int] = set()  # which of the log never come, by their number
        # By question ("submit", "list", "inspect", "cancel"): what is answered in its place, a
        # status, "portal" (the page of a network's sign-in), "cut" (the connection breaks) or
        # "hang" (nothing, until it is `released`). `lost` lets it take its effect before that.
        self.instead: dict[str, int | str] = {}
        self.lost: dict[str, int | str] = {}
        self.late: dict[str, float] = {}  # and lets it take its effect so many seconds after that
        self.released = threading.Event()

    def submit(self, account: Account, owner: str, spec: dict[str, Any]) -> Job:
        if account.role == "read" or owner not in self.scoped:
            raise Refused(403, "Missing permissions: job.write")
        if not self.credit:
            raise Refused(402, "Pre-paid credit balance is insufficient to run jobs")
        if spec["flavor"] not in [one[0] for one in HARDWARE]:
            raise Refused(400, f"Invalid flavor: {spec['flavor']}")
        job = Job(secrets.token_hex(12), owner, spec)
        self.jobs[job.id] = job
        threading.Thread(target=self._work, args=(job,), daemon=True).start()
        return job

    def cancel(self, job: Job) -> None:
        """The container goes at once, without a last word: the worst case."""
        if job.is_over:
            raise Refused(409, "Job has already finished")
        self._end(job, "CANCELED")

    def end_all(self) -> None:
        self.released.set()
        for job in self.jobs.values():
            self._end(job, "CANCELED")
            if job.process is not None:
                job.process.wait()

    def _end(self, job: Job, stage: str, message: str | None = None) -> None:
        if job.is_over:
            return
        job.stage, job.message, job.finished = stage, message, time.time()
        if job.process is not None and job.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(job.process.pid, signal.SIGKILL)

    def _work(self, job: Job) -> None:
        time.sleep(self.start_after)
        if job.is_over:
            return
        job.started, job.stage = time.time(), "RUNNING"
        job.say(f"===== Job started at {_time(job.started)} =====")
        if self.script is not None:
            if self.outcome is not None:
                self._send_home(self.outcome, job)
            for line in self.script:
                job.say(line)
            if self.script_ends != "RUNNING":
                self._end(job, self.script_ends, self.script_message)
            return
        self._run(job)

    def _send_home(self, run: Path, job: Job) -> None:
        files = self.hub.repos[job.spec["environment"]["GTT_JOB_REPO"]].files
        for path in run.rglob("*"):
            name = path.relative_to(run).as_posix()
            if path.is_file() and name.startswith(("checkpoints/", "journal", "best", "latest")):
                files[f"run/{name}"] = path.read_bytes()

    def _run(self, job: Job) -> None:
        place = self.folder / job.id
        tools, work = place / "bin", place / "work"
        tools.mkdir(parents=True)
        work.mkdir()
        uv = tools / "uv"
        uv.write_text(UV.format(python=sys.executable))
        uv.chmod(0o755)
        environment = {
            "PATH": f"{tools}:/usr/bin:/bin",
            "HOME": str(place),
            "HF_ENDPOINT": self.hub.url,
            "OMP_NUM_THREADS": "1",
            **job.spec["environment"],
            **job.spec.get("secrets", {}),
        }
        job.process = subprocess.Popen(
            job.spec["command"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=environment,
            cwd=work,
            start_new_session=True,
        )
        limit = threading.Timer(
            job.spec.get("timeoutSeconds", 1800), self._end, (job, "ERROR", "Job timeout")
        )
        limit.daemon = True
        limit.start()
        assert job.process.stdout is not None
        for line in job.process.stdout:
            job.say(line.rstrip("\n"))
        code = job.process.wait()
        limit.cancel()
        shutil.rmtree(place, ignore_errors=True)
        self._end(job, "ERROR" if code else "COMPLETED", f"exit code {code}" if code else None)


class JobsHandler(StandinHandler):
    """The endpoints of jobs, beside those of the Hub."""

    jobs: Jobs

    def _route(self, method: str) -> None:
        place = self.place
        if place == "/api/jobs/hardware":
            return self._send(200, [_hardware(*one) for one in HARDWARE])
        if match := re.fullmatch(r"/api/jobs/([^/]+)", place):
            account = self._account()
            if match[1] not in (account.name, *account.orgs):
                raise Refused(403, "Not your namespace")
            if method == "GET":
                return self._told("list", lambda: self._listed(match[1]))
            order = self._json()
            return self._told(
                "submit", lambda: self.jobs.submit(account, match[1], order).as_json()
            )
        if match := re.fullmatch(r"/api/jobs/([^/]+)/([^/]+)(?:/(\w+))?", place):
            account = self._account()
            job = self.jobs.jobs.get(match[2])
            if job is None or job.owner != match[1] or account.name != job.owner:
                raise Refused(404, "Job not found")
            if match[3] == "logs":
                return self._stream(job)
            if match[3] == "cancel":
                return self._told("cancel", lambda: self.jobs.cancel(job))
            return self._told("inspect", job.as_json)
        return super()._route(method)

    def _listed(self, owner: str) -> list[dict[str, Any]]:
        """The jobs of an account that have every label asked for."""
        labels = [one.partition("=") for one in self.query.get("label", [])]
        found = [job.as_json() for job in self.jobs.jobs.values() if job.owner == owner]
        return [one for one in found if all(one["labels"].get(k) == v for k, _, v in labels)]

    def _told(self, question: str, do: Callable[[], Any]) -> None:
        """Answers a question, or with the fault that is to be made of it."""
        fault = self.jobs.instead.get(question)
        if question in self.jobs.late:
            timer = threading.Timer(self.jobs.late[question], do)
            timer.daemon = True
            timer.start()
            answer = None
        else:
            answer = do() if fault is None else None
        fault = self.jobs.lost.get(question, fault)
        if fault is None:
            self._send(200, answer)
        elif isinstance(fault, int):
            raise Refused(fault, "The service does not answer this.")
        elif fault == "portal":
            self._send(200, b"<html>Please sign in to the hotel's network</html>", {}, "text/html")
        else:
            self.jobs.released.wait(60 if fault == "hang" else 0)
            raise ConnectionResetError(fault)

    def _stream(self, job: Job) -> None:
        """The log from its beginning, and what is added, until the job ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        number, deadline = 0, time.monotonic() + 120
        while time.monotonic() < deadline and not self.hub.down:
            is_over = job.is_over
            while number < len(job.lines):
                if self.jobs.cut_logs_after is not None and number >= self.jobs.cut_logs_after:
                    self.jobs.cut_logs_after = None
                    self.connection.close()
                    return
                stamp, line = job.lines[number]
                number += 1
                if number in self.jobs.lose_lines:
                    continue
                # Letters beyond ASCII as they are, like those of the Hub.
                event = json.dumps({"data": line, "timestamp": stamp}, ensure_ascii=False)
                self.wfile.write(f"data: {event}\n\n".encode())
                self.wfile.flush()
            if is_over and number >= len(job.lines):
                return
            time.sleep(0.05)


def _hardware(
    name: str, title: str, cpu: str, ram: str, gpu: dict[str, str] | None, hourly: float
) -> dict[str, Any]:
    minutely = hourly / 60
    return {
        "name": name,
        "prettyName": title,
        "cpu": cpu,
        "ram": ram,
        "accelerator": gpu,
        "ephemeralStorage": "50 GB",
        "unitCostMicroUSD": round(minutely * 1e6),
        "unitCostUSD": minutely,
        "unitLabel": "minute",
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")


@contextmanager
def jobs_standin(folder: Path, port: int = 0) -> Iterator[tuple[HubStandin, Jobs]]:
    """The stand-in of the Hub with its machines; what still runs ends with the block."""
    kind = type("Handler", (JobsHandler,), {})
    with hub_standin(folder / "store", port=port, handler=kind) as hub:
        jobs = Jobs(hub, folder / "machines")
        kind.jobs = jobs  # type: ignore[attr-defined]
        try:
            yield hub, jobs
        finally:
            jobs.end_all()
