"""What goes wrong between here and the Hub once a machine was asked for: nothing that costs money
is forgotten, nothing that was trained is lost, and nothing counts twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from following_jobs import TOKEN, Case, events, script
from hub_standin import Account as Visitor
from waiting import until

from gtt.hub.jobs import follower as following
from gtt.hub.jobs import remote_run, search
from gtt.hub.jobs.follow_start import start_job
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.hub_job import JobFolder, JobState, is_unsettled
from gtt.runs.journal import Journal, Record
from gtt.training.events import Event, RunEnded, StepLogged

Trained = tuple[Home, Path]
FULL = OSError(28, "No space left on device")


@pytest.fixture
def steps(case: Case, trained: Trained) -> Callable[[], bool]:
    """A job that says what a run said; whether all its steps are here, each once."""
    case.jobs.script = script(trained[1])
    there = [one["step"] for one in events(trained[1], "StepLogged")]
    return lambda: [one["step"] for one in case.events("StepLogged")] == there


# ------------------------------------------------------------------------ asking for a machine


@pytest.mark.parametrize("fault", ["portal", "cut", 408, 500, 504])
def test_a_job_whose_answer_never_came_is_found_again(
    case: Case, steps: Callable[[], bool], fault: int | str
) -> None:
    case.jobs.lost["submit"] = fault
    assert case.follow().stage == "over"
    assert steps() and case.end["reason"] == "completed"
    assert case.state.id == case.job.id, "and it was not submitted again"


@pytest.mark.parametrize("fault", ["portal", "cut", 408, 503])
def test_that_no_machine_was_begun_is_told_once_its_time_is_up(
    case: Case, fault: int | str
) -> None:
    case.jobs.instead["submit"] = fault
    state = case.follow()
    assert state.stage == "lost" and "may still begin late" in str(state.message)
    assert is_unsettled(case.folder) and case.hub.repos and not case.events("RunEnded")
    case.change(asked=float(state.asked or 0) - 60 * state.minutes)
    state = case.follow()
    assert state.stage == "over" and state.message == search.NEVER_BEGUN
    assert case.end["reason"] == "failed" and not case.hub.repos, "its repository goes again"
    assert not is_unsettled(case.folder)


def test_a_machine_that_begins_late_is_found(case: Case, steps: Callable[[], bool]) -> None:
    case.jobs.late["submit"], case.jobs.lost["submit"] = 2.5, 504
    assert case.follow().stage == "lost", "the Hub lists none so far"
    until(lambda: case.jobs.jobs)
    assert case.follow().stage == "over"
    assert steps() and case.end["reason"] == "completed" and case.state.id == case.job.id


@pytest.mark.parametrize("ended", [True, False])
def test_what_was_sent_home_is_kept_where_the_job_is_listed_no_more(
    case: Case, trained: Trained, steps: Callable[[], bool], ended: bool
) -> None:
    """Its answer was lost, nobody followed it, and days later the Hub has forgotten it."""
    case.jobs.lost["submit"], case.jobs.instead["list"] = "cut", 403
    case.jobs.outcome = trained[1]
    assert case.follow().stage == "lost"
    until(lambda: "run/journal.jsonl" in case.hub.repos[str(case.state.repo)].files)
    files = case.hub.repos[str(case.state.repo)].files
    if not ended:
        files["run/journal.jsonl"] = bytes(files["run/journal.jsonl"].rpartition(b'{"seq"')[0])
    case.jobs.jobs.clear()
    case.jobs.instead.clear()
    state = case.follow()
    assert steps() and RunFolder(case.folder).checkpoints.best().name == "step-00000010"
    if not ended:
        assert state.stage == "lost" and "What it has sent home is here." in str(state.message)
        case.change(asked=float(state.asked or 0) - 60 * state.minutes)
        state = case.follow()
    assert state.stage == "over" and "What it cost is told at" in str(state.message)
    assert case.end["reason"] == ("completed" if ended else "failed")
    assert f"run/checkpoints/step-{10:08}/model.safetensors" in files
    assert case.hub.repos[str(state.repo)].files is files


def test_what_somebody_else_wrote_into_the_repository_stays(case: Case) -> None:
    """A refused start takes back what it sent, and nothing more."""
    case.jobs.credit, case.hub.delays["/api/jobs/anna"] = False, 1.0
    with case.following():
        until(lambda: case.hub.requested("POST", "/api/jobs/anna"))
        (repo,) = case.hub.repos.values()
        repo.files["model.safetensors"] = b"mine"
    assert case.state.stage == "over" and "no credit left" in case.end["message"]
    assert list(case.hub.repos.values()) == [repo]


@pytest.mark.parametrize("fault", ["portal", "cut", 503])
def test_a_stop_while_a_job_is_looked_for_is_heard(case: Case, fault: int | str) -> None:
    case.jobs.lost["submit"], case.jobs.instead["list"] = "cut", fault
    case.jobs.script_ends = "RUNNING"
    with case.following():
        until(lambda: search.UNSURE in str(case.state.message))
        case.stop.set()
        until(lambda: case.state.stage == "lost", 10)
    assert is_unsettled(case.folder) and "A machine may be at work" in str(case.state.message)
    case.jobs.instead.clear()
    assert case.follow().stage == "over", "it is found, and cancelled at once"
    assert case.job.stage == "CANCELED" and case.end["reason"] == "stopped"


@pytest.mark.parametrize("fault", ["portal", "cut", 404, 503])
def test_it_is_looked_for_until_the_hub_says(
    case: Case, steps: Callable[[], bool], fault: int | str
) -> None:
    case.jobs.lost["submit"], case.jobs.instead["list"] = "cut", fault
    with case.following():
        until(lambda: search.UNSURE in str(case.state.message))
        assert is_unsettled(case.folder) and case.state.id is None
        case.jobs.instead.clear()
    assert steps() and case.end["reason"] == "completed"


def test_where_that_cannot_be_asked_it_is_said_where_to_look(
    case: Case, steps: Callable[[], bool]
) -> None:
    case.jobs.lost["submit"], case.jobs.instead["list"] = "cut", 403
    state = case.follow()
    assert state.stage == "lost" and is_unsettled(case.folder) and not case.events("RunEnded")
    assert (
        f"A machine may be at work, at most until its time limit: follow it again, or look at "
        f"{case.hub.url}/settings/jobs" in str(state.message)
    )
    case.jobs.lost.clear()
    case.jobs.instead.clear()
    assert case.follow().stage == "over"
    assert steps() and case.end["reason"] == "completed" and case.job.id == case.state.id


def test_a_process_that_is_killed_before_the_answer_leaves_a_job_that_is_found(
    case: Case, steps: Callable[[], bool]
) -> None:
    """A real one, since what counts is what is on the disk at that moment."""
    case.jobs.lost["submit"] = "hang"
    worker = start_job(case.folder, case.state, case.home, token=TOKEN, uploads=None)
    assert worker.child is not None
    until(lambda: case.jobs.jobs)
    worker.kill()
    worker.child.wait()
    assert case.state.id is None and is_unsettled(case.folder)
    case.jobs.lost.clear()
    assert case.follow().stage == "over"
    assert steps() and case.state.id == case.job.id


def test_a_disk_that_is_full_with_the_answer_cancels_the_job(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.jobs.script, case.jobs.script_ends = ["hello"], "RUNNING"
    write = JobFolder.write

    def full(self: JobFolder, state: JobState) -> None:
        if state.id is not None:
            raise FULL
        write(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "write", full)
        with pytest.raises(OSError, match="No space"):
            case.follow()
    assert case.job.stage == "CANCELED"
    assert is_unsettled(case.folder), "it can be looked at again"
    assert case.follow().stage == "over"
    assert case.end["reason"] == "stopped" and len(case.jobs.jobs) == 1


# ------------------------------------------------------------------------------ following it


@pytest.mark.parametrize("fault", ["portal", "cut", 404, 408, 409, 429, 500])
def test_an_odd_answer_about_a_job_forgets_nothing(
    case: Case, steps: Callable[[], bool], fault: int | str
) -> None:
    case.jobs.script_ends = "RUNNING"
    with case.following():
        until(steps)
        before = case.hub.requested("GET", "/api/jobs/anna/[0-9a-f]+$")
        case.jobs.instead["inspect"] = fault
        until(lambda: case.hub.requested("GET", "/api/jobs/anna/[0-9a-f]+$") > before + 2)
        assert is_unsettled(case.folder) and not case.events("RunEnded")
        if fault != 404:  # which the list of jobs contradicts
            assert "asked again" in str(case.state.message)
        case.jobs.instead.clear()
        case.job.stage = "COMPLETED"
    assert case.end["reason"] == "completed" and case.state.stage == "over"


@pytest.mark.parametrize("fault", ["revoked", "foreign"])
def test_a_token_that_does_not_serve_loses_nothing(
    case: Case, trained: Trained, steps: Callable[[], bool], fault: str
) -> None:
    """One that expires in the middle, and one of another account, which is told of nothing."""
    lines = script(trained[1])
    case.jobs.script, case.jobs.script_ends = lines[:8], "RUNNING"
    with case.following():
        until(lambda: len(case.events()) > 6)
        case.hub.tokens[TOKEN].revoked = True
    case.hub.tokens["hf_bert"] = Visitor(name="bert")
    case.hub.tokens["hf_new"] = Visitor()
    if fault == "foreign":
        assert "take one of anna" in str(case.follow("hf_bert").message)
    assert case.state.stage == "lost" and "follow it again" in str(case.state.message)
    assert is_unsettled(case.folder) and not case.events("RunEnded")
    for line in lines[8:]:
        case.job.say(line)
    case.job.stage = "COMPLETED"
    assert case.follow("hf_new").stage == "over"
    assert steps() and len(case.jobs.jobs) == 1, "it was not submitted again"


def test_a_cancel_that_comes_too_late_keeps_what_was_trained(
    case: Case, trained: Trained, steps: Callable[[], bool]
) -> None:
    case.jobs.script_ends, case.jobs.outcome = "RUNNING", trained[1]
    with case.following():
        until(steps)
        case.jobs.instead["inspect"] = 500
        case.job.stage = "COMPLETED"  # the Hub refuses to cancel it from now on
        case.stop.set()
        until(lambda: case.hub.requested("POST", "/cancel"))
        case.jobs.instead.clear()
    assert case.end["reason"] == "completed" and case.state.stage == "over"
    assert RunFolder(case.folder).checkpoints.best().name == "step-00000010"


@pytest.mark.parametrize("fault", ["portal", "cut", 400, 403, 409, 503])
def test_a_cancel_that_is_refused_is_told_and_asked_for_again(
    case: Case, steps: Callable[[], bool], fault: int | str
) -> None:
    case.jobs.script_ends, case.jobs.instead["cancel"] = "RUNNING", fault
    case.jobs.script = (case.jobs.script or [])[:-1]  # it does not come to its end
    with case.following():
        until(steps)
        case.stop.set()
        until(lambda: "not be cancelled yet" in str(case.state.message))
        assert is_unsettled(case.folder) and not case.events("RunEnded")
        assert case.hub.requested("POST", "/cancel") < 20, "and not all the time"
        case.jobs.instead.clear()
    assert case.job.stage == "CANCELED" and case.end["reason"] == "stopped"
    assert "the job was cancelled" in case.end["message"]


def test_a_cancel_whose_answer_is_lost_is_one(case: Case, steps: Callable[[], bool]) -> None:
    case.jobs.script_ends, case.jobs.lost["cancel"] = "RUNNING", "cut"
    case.jobs.script = (case.jobs.script or [])[:-1]
    with case.following():
        until(steps)
        case.stop.set()
    assert case.job.stage == "CANCELED" and case.end["reason"] == "stopped"


def test_a_disk_that_is_full_for_a_while_loses_no_line(
    case: Case, steps: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    append, write = Journal.append, JobFolder.write
    refused: list[int] = []

    def full(self: Journal, event: Event) -> Record:
        if isinstance(event, StepLogged) and len(refused) < 5:
            refused.append(event.step)
            raise FULL
        return append(self, event)

    def full_too(self: JobFolder, state: JobState) -> None:
        if state.stage == "running":
            raise FULL
        write(self, state)

    monkeypatch.setattr(Journal, "append", full)
    monkeypatch.setattr(JobFolder, "write", full_too)
    assert case.follow().stage == "over"
    assert len(refused) == 5 and steps() and case.end["reason"] == "completed"


@pytest.mark.parametrize("fault", ["down", "full"])
def test_what_was_trained_and_cannot_be_fetched_is_fetched_later(
    case: Case,
    trained: Trained,
    steps: Callable[[], bool],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    case.jobs.outcome = trained[1]
    with monkeypatch.context() as patch:
        if fault == "down":
            case.hub.fails["/api/models/anna/gtt-run"] = 503
            # The recipe goes there before: until it has, nothing fails.
            fails, case.hub.fails = case.hub.fails, {}
            case.jobs.start_after = 0.5
            patch.setattr(following.Arrivals, "__init__", _failing(case, fails))
        else:
            patch.setattr(following.Arrivals, "_get", _raising(FULL))
        state = case.follow()
    assert state.stage == "lost" and not case.events("RunEnded")
    assert "The job has ended: follow it again to fetch the rest" in str(state.message)
    case.hub.fails = {}
    assert case.follow().stage == "over"
    assert steps() and case.end["reason"] == "completed"
    assert "did not arrive" not in case.end["message"]
    assert RunFolder(case.folder).checkpoints.best().name == "step-00000010"


def _failing(case: Case, fails: dict[str, int]) -> Callable[..., None]:
    begin = following.Arrivals.__init__

    def failing(self: following.Arrivals, *given: object) -> None:
        case.hub.fails = fails
        begin(self, *given)  # type: ignore[arg-type]

    return failing


def _raising(error: OSError) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise error

    return refuse


def test_an_end_that_the_disk_does_not_take_is_told_later(
    case: Case, steps: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Journal.append

    def full(self: Journal, event: Event) -> Record:
        if isinstance(event, RunEnded):
            raise FULL
        return append(self, event)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        with pytest.raises(OSError, match="No space"):
            case.follow()
    assert is_unsettled(case.folder)
    assert case.follow().stage == "over" and steps() and case.end["reason"] == "completed"


# ----------------------------------------------------------------------------------- the log


def test_letters_that_end_a_line_elsewhere_end_none_in_the_log(
    case: Case, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a job prints is taken from `far` itself; the stand-in sends it as the Hub does."""
    odd = "\u2028 \u2029 \x85 \x0b \x0c \x1c ä 木"
    for one in events(trained[1]):
        remote_run.say(
            remote_run.JOURNAL, {**one, "text": odd} if one["type"] == "Sampled" else one
        )
    case.jobs.script, case.jobs.script_ends = capsys.readouterr().out.split("\n"), "RUNNING"
    with case.following():
        until(lambda: len(case.events("Sampled")) == len(events(trained[1], "Sampled")), 20)
        assert case.hub.requested("GET", "/logs") == 1
        case.job.stage = "COMPLETED"
    assert {one["text"] for one in case.events("Sampled")} == {odd}


def test_a_log_that_breaks_off_is_read_on_and_nothing_counts_twice(
    case: Case, steps: Callable[[], bool]
) -> None:
    case.jobs.cut_logs_after = 9
    state = case.follow()
    assert case.hub.requested("GET", "/logs") > 1, "it did break off"
    assert steps()
    assert case.end["reason"] == "completed" and "did not arrive here" in case.end["message"]
    assert str(state.repo) in case.end["message"], "where to look for it"


def test_lines_that_are_lost_come_with_the_journal_that_is_sent_home(
    case: Case, trained: Trained, steps: Callable[[], bool]
) -> None:
    case.jobs.lose_lines, case.jobs.outcome = {6, 7, 12}, trained[1]
    case.follow()
    there = [{**one, "seq": 0} for one in events(trained[1])]
    ours = [one for one in case.events() if one.get("stage") not in following.OURS]
    assert [{**one, "seq": 0, "time": 0} for one in ours[:-1]] == [
        {**one, "time": 0} for one in there[:-1]
    ]
    assert steps() and ours[-1]["message"] == there[-1]["message"], "and its model is here"
    assert RunFolder(case.folder).checkpoints.best().name == "step-00000010"


def test_the_hub_may_be_away_for_a_while(case: Case, steps: Callable[[], bool]) -> None:
    case.jobs.script_ends = "RUNNING"
    with case.following():
        until(steps)
        case.hub.down = True
        until(lambda: "asked again" in str(case.state.message))
        case.hub.down = False
        case.job.stage = "COMPLETED"
    assert case.end["reason"] == "completed"


@pytest.mark.parametrize(
    ("lines", "stage", "message", "reason", "words"),
    [
        (
            ["error: no solution found for torch"],
            "ERROR",
            None,
            "failed",
            "while it was installing: error: no solution found for torch",
        ),
        ([], "ERROR", "Job timeout", "out_of_time", "its time limit of 15 minutes"),
        (["fetching"], "CANCELED", None, "stopped", "Cancelled on the Hub"),
        ([], "gone", None, "failed", "knows nothing of this job any more"),
    ],
)
def test_a_job_that_ends_without_a_word_has_an_end_here(
    case: Case, lines: list[str], stage: str, message: str | None, reason: str, words: str
) -> None:
    jobs = case.jobs
    jobs.script, jobs.script_ends, jobs.script_message = lines, stage, message
    if stage == "gone":
        jobs.script_ends = "RUNNING"
    with case.following():
        if stage == "gone":
            until(lambda: case.state.stage == "running")
            jobs.jobs.clear()
    assert case.end["reason"] == reason and words in case.end["message"], case.end
    assert not is_unsettled(case.folder)
