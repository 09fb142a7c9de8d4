"""The commands as a person types them.

A command runs in the process of the test, with streams, folder and environment as its own would
have; where a signal, a pipe or a fresh interpreter is at stake it has a process of its own.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from thorough import THOROUGH

from gtt.cli import main
from gtt.config import RunConfig
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.display import printable
from gtt.runs.execute import failure_sentence
from gtt.runs.fold import Fold

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = [signal.SIGINT, signal.SIGTERM]
TINY = """\
title: Tiny
summary: A model of a few thousand weights.
audience: the tests
config:
  data: {source: TEXT}
  model: {n_layers: 1, n_heads: 2, n_embed: 16, block_size: 16}
  training: {batch_size: 4, max_steps: 12, warmup_steps: 2, learning_rate: 0.01, precision: fp32,
             log_every: 1, eval_every: 6, eval_windows: 4, checkpoint_every: 3}
  generation: {max_new_tokens: 12}
measured: null
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "tiny.yaml").write_text(TINY.replace("TEXT", str(tiny_text)))
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GTT_")}
    return {
        **kept,
        "GTT_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        **more,
    }


@dataclass
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


def gtt(home: Path, *arguments: str, code: int = 0, folder: Path | None = None) -> Done:
    """Runs a command in this process, in a folder (the home, unless one is named)."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(errors),
    ):
        for name in list(os.environ):
            if name.startswith("GTT_"):
                patch.delenv(name)
        patch.setenv("GTT_HOME", str(home))
        patch.chdir(folder or home)
        ended_with = main(list(arguments))
    done = Done(out.getvalue(), errors.getvalue())
    assert ended_with == code, done
    assert "Traceback" not in done.stderr, done.stderr
    return done


def train(home: Path, *arguments: str, code: int = 0) -> tuple[Path, list[dict[str, Any]]]:
    """Trains with --json; returns the run folder and the event lines."""
    done = gtt(home, "train", "--recipe", "tiny.yaml", "--json", *arguments, code=code)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Path(lines[-1]["run_dir"]), lines


def losses(lines: list[dict[str, Any]]) -> dict[int, float]:
    return {line["step"]: line["loss"] for line in lines if line["type"] == "StepLogged"}


@pytest.fixture(scope="module")
def finished(home: Path) -> tuple[Path, list[dict[str, Any]]]:
    return train(home)


def journal_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]


def test_the_event_lines_are_the_journal(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    run, lines = finished
    assert lines[-1].pop("run_dir") == str(run)
    assert lines == journal_of(run)
    lines[-1]["run_dir"] = str(run)
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert set(lines[0]) >= {"seq", "time", "type", "step", "config", "parameters", "vocab_size"}
    assert set(lines[0]["baselines"]) == {"uniform", "unigram", "bigram", "floor"}
    logged = next(line for line in lines if line["type"] == "StepLogged")
    assert set(logged) >= {"loss", "learning_rate", "gradient_norm", "tokens_per_second"}
    evaluated = next(line for line in lines if line["type"] == "Evaluated")
    assert set(evaluated) >= {"validation_loss", "perplexity", "bits_per_byte", "task_score"}
    saved = [line["path"] for line in lines if line["type"] == "CheckpointSaved"]
    assert (run / saved[-1]).is_dir()


def test_a_person_sees_samples_a_summary_and_last_the_folder(home: Path) -> None:
    tales = ("--data", "tales", "--set", "data.max_megabytes=0.02")
    rare = ("--set", "training.eval_every=100")
    done = gtt(home, "train", "--recipe", "tiny.yaml", "--out", "seen", *tales, *rare)
    assert "task score" in done.stdout
    lines = done.stdout.splitlines()
    assert lines[-1] == str(home / "seen")
    assert "validation loss" in done.stdout and "sample" in done.stdout
    assert done.stdout.count("bits per byte") == 3  # at both evaluations and in the summary
    for name in ("uniform baseline", "bigram baseline", "floor", "this model"):
        assert name in done.stdout


def test_evaluate_prints_one_object(home: Path, finished: tuple[Path, Any]) -> None:
    run, lines = finished
    result = json.loads(gtt(home, "evaluate", str(run), "--json").stdout)
    expected = {"validation_loss", "perplexity", "bits_per_byte", "tokens", "task_score"}
    assert set(result) >= expected | {"baselines"}
    assert result["tokens"] == lines[0]["validation_tokens"] - 1
    assert result["baselines"] == lines[0]["baselines"]
    assert abs(result["validation_loss"] - losses(lines)[12]) < 0.5
    assert "nats per token" in gtt(home, "evaluate", str(run)).stdout


def test_generate_is_seeded_and_goes_on_from_the_prompt(
    home: Path, finished: tuple[Path, Any]
) -> None:
    run = str(finished[0])
    options = ("--prompt", "Once ", "--max-new-tokens", "30", "--seed", "4")
    first = gtt(home, "generate", run, *options).stdout
    assert first == gtt(home, "generate", run, *options).stdout
    assert first.startswith("Once ") and len(first) == len("Once ") + 30 + 1
    greedy = gtt(home, "generate", run, *options, "--temperature", "0").stdout
    assert first != greedy
    varied = gtt(home, "generate", run, *options, "--temperature", "0",
                 "--repetition-penalty", "5", "--num-beams", "2").stdout  # fmt: skip
    assert varied not in (first, greedy)


def test_the_export_loads_in_transformers_without_gtt(
    home: Path, finished: tuple[Path, Any]
) -> None:
    run = str(finished[0])
    gtt(home, "export", run, "exported")
    script = (
        "import sys\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained('exported')\n"
        "model = AutoModelForCausalLM.from_pretrained('exported')\n"
        "ids = tokenizer('Once ', return_tensors='pt')\n"
        "out = model.generate(**ids, max_new_tokens=9, do_sample=False, pad_token_id=0)\n"
        "sys.stdout.write(tokenizer.decode(out[0]))\n"
        "assert 'gtt' not in sys.modules\n"
    )
    theirs = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=home,
        env={**environment(home), "PYTHONPATH": ""},
        timeout=120,
    )
    assert theirs.returncode == 0, theirs.stderr
    options = ("--prompt", "Once ", "--max-new-tokens", "9", "--temperature", "0")
    assert theirs.stdout + "\n" == gtt(home, "generate", run, *options).stdout


def test_an_export_is_whole_or_not_there(
    finished: tuple[Path, Any], tmp_path: Path, refusal: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, out = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(finished[0], copy)
    place = copy / "checkpoints" / (copy / "latest").read_text().strip()
    small = train_char_tokenizer("ab")
    for name, write, hint in (
        ("tokenizer.json", lambda path: path.unlink(), "no tokenizer"),
        ("tokenizer.json", lambda path: small.save(path.parent), "the tokenizer has 2 tokens"),
        ("config.json", lambda path: path.write_text("{}"), "config.json does not describe"),
        ("model.safetensors", fill_with_nan, "not numbers"),
    ):
        kept = (place / name).read_bytes()
        write(place / name)
        assert hint in refusal("export", str(copy), str(out), "--checkpoint", "latest")
        assert not out.exists()
        (place / name).write_bytes(kept)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("gtt.exports.making.shutil.copyfile", refuse)
        assert "(No space left on device): make room" in refusal("export", str(copy), str(out))
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    assert main(["export", str(copy), str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in place.iterdir()
    )


def fill_with_nan(path: Path) -> None:
    tensors = load_file(path)
    save_file({name: tensor * float("nan") for name, tensor in tensors.items()}, path)


class Training:
    """A training in the background that can be waited for and killed."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gtt", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(home),
            cwd=home,
        )

    def lines_until(self, kind: str, step: int) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            yield line
            if line["type"] == kind and line["step"] >= step:
                return
        raise AssertionError("the run ended early: " + self.process.communicate()[1])

    def finish(self) -> int:
        self.rest, self.errors = self.process.communicate(timeout=60)
        assert "Traceback" not in self.errors, self.errors
        return self.process.returncode


@pytest.mark.parametrize("at_step", [4, 7, 11] if THOROUGH else [7])
def test_a_killed_run_resumes_with_equal_losses(
    home: Path, finished: tuple[Path, Any], tmp_path: Path, at_step: int
) -> None:
    run = tmp_path / "run"
    training = Training(home, "train", "--recipe", "tiny.yaml", "--out", str(run))
    list(training.lines_until("StepLogged", at_step))
    training.process.send_signal(signal.SIGKILL)
    assert training.finish() == -signal.SIGKILL
    with (run / "journal.jsonl").open("a") as journal:
        journal.write('{"seq": 999, "type": "StepLog')  # what a kill in mid-write leaves
    done = gtt(home, "resume", str(run), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["reason"] == "completed"
    assert lines[0]["type"] == "RunStarted" and lines[0]["step"] in (3, 6, 9)
    expected = losses(finished[1])
    assert losses(lines) == {step: expected[step] for step in range(lines[0]["step"] + 1, 13)}
    journal_lines = journal_of(run)
    assert [line["seq"] for line in journal_lines] == list(range(1, len(journal_lines) + 1))


def test_a_run_killed_before_its_first_checkpoint_begins_again_with_equal_losses(
    home: Path, finished: tuple[Path, Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    training = Training(home, "train", "--recipe", "tiny.yaml", "--out", str(run))
    list(training.lines_until("StepLogged", 1))
    training.process.send_signal(signal.SIGKILL)
    training.finish()
    shutil.rmtree(run / "checkpoints", ignore_errors=True)  # where it was quicker than the signal
    (run / "latest").unlink(missing_ok=True)
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**about, "fingerprint": None}))  # as while loading
    done = gtt(home, "resume", str(run), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["step"] == 0 and "begins again at step 0" in lines[0]["notes"][-1]
    assert losses(lines) == losses(finished[1])
    written = journal_of(run)
    assert [line["seq"] for line in written] == list(range(1, len(written) + 1))
    assert len([line for line in written if line["type"] == "RunStarted"]) == 2
    assert json.loads((run / "run.json").read_text())["fingerprint"] == about["fingerprint"]
    fold = Fold()
    for line in written:
        fold.apply(line)
    steps = [step for step, _ in fold.curves["validation_loss"].thinned(50)]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("number", SIGNALS if THOROUGH else SIGNALS[:1])
def test_a_signal_while_loading_leaves_nothing(
    home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    # Long to prepare, and told as soon as that begins.
    large = ("--data", "tales", "--set", "data.max_megabytes=50")
    training = subprocess.Popen(
        [sys.executable, "-m", "gtt", "train", "--recipe", "tiny.yaml", "--out", str(run), *large],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
        cwd=home,
    )
    assert training.stdout is not None
    for line in training.stdout:
        if "reading" in line:
            break
    assert (run / "run.json").exists()  # so that a kill now would leave a run to resume
    training.send_signal(number)
    _, errors = training.communicate(timeout=60)
    assert (training.returncode, errors) == (1, "gtt: interrupted.\n")
    assert not run.exists()


@pytest.mark.parametrize("number", SIGNALS if THOROUGH else SIGNALS[1:])
def test_a_signal_saves_and_ends_as_stopped(
    home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    training = Training(
        home,
        "train",
        "--recipe",
        "tiny.yaml",
        "--out",
        str(run),
        "--set",
        "training.max_steps=5000",
    )
    list(training.lines_until("StepLogged", 4))
    training.process.send_signal(number)
    assert training.finish() == 0
    ended = journal_of(run)[-1]
    assert ended["type"] == "RunEnded" and ended["reason"] == "stopped"
    assert (run / "checkpoints" / f"step-{ended['step']:08d}.resume").is_dir()
    resumed = gtt(
        home, "resume", str(run), "--json", "--set", f"training.max_steps={ended['step'] + 3}"
    )
    assert json.loads(resumed.stdout.splitlines()[0])["step"] == ended["step"]


def test_settings_changed_on_resuming_stay_changed(home: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(home, "--out", str(run))
    training = Training(home, "resume", str(run), "--set", "training.max_steps=5000")
    list(training.lines_until("CheckpointSaved", 15))
    training.process.send_signal(signal.SIGKILL)
    training.finish()
    training = Training(home, "resume", str(run))
    (started,) = training.lines_until("RunStarted", 13)
    assert started["total_steps"] == 5000
    training.process.send_signal(signal.SIGTERM)
    assert training.finish() == 0


def test_a_run_goes_on_after_its_text_was_moved(home: Path, tmp_path: Path) -> None:
    (home / "book.txt").write_text("It was a dark and stormy night; the rain fell. " * 300)
    run = tmp_path / "run"
    train(home, "--data", "book.txt", "--out", str(run), "--set", "training.max_steps=3")
    (home / "book.txt").unlink()
    gtt(home, "resume", str(run), "--set", "training.max_steps=5", folder=tmp_path)
    result = json.loads(gtt(home, "evaluate", str(run), "--json", folder=tmp_path).stdout)
    assert result["task_score"] is None and result["validation_loss"] > 0


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_leaves_does_not_end_the_run(
    home: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "gtt", "train", "--recipe", "tiny.yaml", "--out", str(run)]
    training = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
        cwd=home,
    )
    assert training.stdout is not None and training.stderr is not None
    training.stdout.readline()
    training.stdout.close()
    errors = training.stderr.read()
    training.stderr.close()
    assert training.wait(timeout=60) == 0, errors
    assert journal_of(run)[-1]["reason"] == "completed"


def test_two_processes_cannot_train_one_run(home: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = Training(
        home,
        "train",
        "--recipe",
        "tiny.yaml",
        "--out",
        str(run),
        "--set",
        "training.max_steps=5000",
    )
    try:
        list(training.lines_until("CheckpointSaved", 3))
        refused = gtt(home, "resume", str(run), code=2)
        assert "another process" in refused.stderr
    finally:
        training.process.send_signal(signal.SIGTERM)
        assert training.finish() == 0


def test_a_disk_that_fills_up_ends_the_run_and_leaves_the_checkpoint_whole(
    home: Path, tmp_path: Path
) -> None:
    """The limit on file sizes stands in for a full disk: the system refuses the write alike."""
    run = tmp_path / "run"
    training = Training(home, "train", "--recipe", "tiny.yaml", "--out", str(run), "--set",
                        "training.max_steps=5000")  # fmt: skip
    import resource

    list(training.lines_until("CheckpointSaved", 3))
    journal = (run / "journal.jsonl").stat().st_size
    assert journal > 4096  # so that the next line of the journal is refused
    resource.prlimit(training.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    assert training.finish() == 1
    ended = json.loads(training.rest.splitlines()[-1])
    assert ended["reason"] == "failed" and "make room" in ended["message"]
    assert [line["seq"] for line in journal_of(run)] == list(range(1, len(journal_of(run)) + 1))
    newest = run / "checkpoints" / (run / "latest").read_text().strip()
    assert newest.is_dir()
    assert not list((run / "checkpoints").glob(".*"))
    resumed = gtt(home, "resume", str(run), "--set", "training.max_steps=60")
    assert "Finished" in resumed.stdout


def test_a_full_disk_promises_no_checkpoint_that_is_not_there() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "resume from the last checkpoint, which is whole" in failure_sentence(full, True)
    assert "resume from the start: none was saved yet" in failure_sentence(full, False)


def test_a_tracker_is_named_in_the_terminal(home: Path, tmp_path: Path) -> None:
    train(home, "--out", str(tmp_path / "run"), "--track", "tensorboard", "--set",
          "training.max_steps=1")  # fmt: skip
    assert list((tmp_path / "run").rglob("events.out.tfevents.*"))


class Refuses:
    """Runs a command in this process and returns the one line with which it refuses."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.capsys = capsys
        monkeypatch.chdir(home)
        monkeypatch.setenv("GTT_HOME", str(home))
        monkeypatch.delenv("GTT_SOURCES", raising=False)

    def __call__(self, *arguments: str) -> str:
        self.capsys.readouterr()
        assert main(list(arguments)) == 2, arguments
        lines = [line for line in self.capsys.readouterr().err.splitlines() if line.strip()]
        assert len(lines) == 1, lines
        return lines[0]


@pytest.fixture
def refusal(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refuses:
    return Refuses(home, monkeypatch, capsys)


def test_bad_input_gets_one_sentence_and_exit_code_2(
    home: Path, finished: tuple[Path, Any], tmp_path: Path, refusal: Refuses
) -> None:
    (home / "empty.txt").write_text("")
    (home / "short.txt").write_text("abc")
    (home / "binary.txt").write_bytes(bytes(range(256)) * 50)
    (home / "latin.txt").write_bytes("Käse und Brot, jeden Tag. ".encode("latin-1") * 50)
    (home / "numbers.csv").write_text("a,b\n1,2\n3,4\n")
    (home / "misspelt.yaml").write_text(TINY.replace("n_layers", "n_layer"))
    (home / "unkey.yaml").write_text(TINY.replace("summary", "sumary"))
    small = ("train", "--recipe", "tiny.yaml")
    run = str(finished[0])
    expected = {
        (*small, "--data", "empty.txt"): "empty",
        (*small, "--data", "short.txt"): "3 characters",
        (*small, "--data", "binary.txt"): "binary",
        (*small, "--data", "latin.txt"): "UTF-8",
        (*small, "--data", "numbers.csv"): "column",
        (*small, "--data", "nowhere.txt"): "nowhere.txt",
        (*small, "--data", "tails"): "tales",
        (*small, "--data", ""): "names no source",
        (*small, "--data", "x" * 300): "There is no source",
        (
            *small,
            "--set",
            "data.tokenizer=pretrained",
            "--set",
            f"data.pretrained_tokenizer={'x' * 300}",
        ): "neither a folder",
        (*small, "--set", "model.n_layers=true"): "must be a number",
        (*small, "--set", "model.n_embed=8192", "--set", "model.n_layers=64"): "GB of memory",
        (*small, "--set", "training.learning_rate=nan"): "finite",
        (*small, "--set", "training.batch_size=-4"): "greater than",
        (*small, "--set", "model.n_embed=100", "--set", "model.n_heads=8"): "try 96 or 104",
        (*small, "--set", "model.block_size=5000"): "block_size",
        (*small, "--set", "generation.prompt=q@q"): "'@'",
        (*small, "--out", str(home / "tiny.yaml" / "run")): "cannot be written",
        (*small, "--out", run): "not empty",
        ("train", "--recipe", "misspelt.yaml"): "n_layers",
        ("train", "--recipe", "unkey.yaml"): "summary",
        ("train", "--recipe", "quikstart"): "quickstart",
        ("resume", str(tmp_path)): "run.json",
        ("resume", run): "finished",
        ("resume", run, "--set", "model.n_layers=3"): "start a new run",
        ("generate", run, "--prompt", "q@q"): "'@'",
        ("generate", run, "--prompt", ""): "prompt",
        ("generate", run, "--temperature", "-1"): "greater than",
        ("generate", run, "--checkpoint", "7"): "No checkpoint of step 7",
        ("generate", run, "--checkpoint", "²"): "best, latest or a step",
        ("generate", run, "--num-beams", "17"): "less than or equal to 16",
        ("generate", run, "--repetition-penalty", "0"): "greater than or equal to 0.1",
        ("evaluate", str(tmp_path)): "run.json",
        ("export", run, run): "not empty",
    }
    before = sorted(path.name for path in (home / "runs").iterdir())
    for arguments, hint in expected.items():
        assert hint in refusal(*arguments), arguments
    assert before == sorted(path.name for path in (home / "runs").iterdir())


def test_a_damaged_or_newer_run_is_refused_and_left_as_it_is(
    finished: tuple[Path, Any], tmp_path: Path, refusal: Refuses
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished[0], copy)
    text = (copy / "run.json").read_text()
    (copy / "run.json").write_text(text.replace('"format": 1', '"format": 2'))
    assert "newer version" in refusal("generate", str(copy))
    (copy / "run.json").write_text(text.replace('"n_heads"', '"n_tails"'))
    assert "update GTT" in refusal("generate", str(copy))
    (copy / "run.json").write_text(text)
    (copy / "best").write_bytes(b"\xff\xfe")
    assert main(["generate", str(copy), "--max-new-tokens", "1"]) == 0
    weights = copy / "checkpoints" / (copy / "latest").read_text().strip() / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    (copy / "run.lock").touch()

    def content() -> dict[Path, bytes]:
        files = [path for path in copy.rglob("*") if path.is_file() and path.name != "worker.json"]
        return {path: path.read_bytes() for path in files}

    more = ("--set", "training.max_steps=20")
    before = content()
    assert "cannot be read" in refusal("resume", str(copy), *more)
    assert content() == before
    state = weights.parent.with_name(weights.parent.name + ".resume") / "state.json"
    shutil.copyfile(finished[0] / weights.relative_to(copy), weights)
    for broken, hint in (('{"format": 1}', "it lacks 'step'"), ("[1]", "cannot be read")):
        state.write_text(broken)
        assert hint in refusal("resume", str(copy), *more)
    journal = copy / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], b"nonsense\n", *lines[2:]]))
    assert "damaged in line 3" in refusal("resume", str(copy), *more)
    assert journal.read_bytes().count(b"\n") == len(lines) + 1


def test_a_home_that_cannot_be_written_to_is_named(
    home: Path, tmp_path: Path, refusal: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GTT_HOME", str(tmp_path / "file"))
    assert "point GTT_HOME at" in refusal("train", "--recipe", "tiny.yaml")
    said = refusal("train", "--recipe", "tiny.yaml", "--out", str(tmp_path / "file" / "run"))
    assert "name another folder" in said and "GTT_HOME" not in said


def test_words_lines_and_refusals_reach_the_shell(home: Path) -> None:
    """A process of its own, as all the other commands of a person have."""

    def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gtt", *arguments]
        there = {"env": environment(home), "cwd": home, "timeout": 120}
        return subprocess.run(command, capture_output=True, text=True, **there)  # type: ignore

    refused = shell("train", "--recipe", "quikstart")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and "quickstart" in refused.stderr
    done = shell("train", "--recipe", "tiny.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    run = Path(lines[-1].pop("run_dir"))
    assert lines == journal_of(run)
    written = shell("generate", str(run), "--prompt", "Once ", "--max-new-tokens", "5")
    assert (written.returncode, written.stderr) == (0, "")
    assert written.stdout.startswith("Once ") and len(written.stdout) == len("Once ") + 5 + 1


def test_recipes_and_datasets_are_listed(home: Path) -> None:
    assert "quickstart" in gtt(home, "recipes").stdout
    names = {recipe["name"] for recipe in json.loads(gtt(home, "recipes", "--json").stdout)}
    assert names >= {"quickstart", "beginner", "intermediate", "advanced", "speedrun"}
    for recipe in json.loads(gtt(home, "recipes", "--json").stdout):
        RunConfig.parse(recipe["config"])
    assert "tinyshakespeare" in gtt(home, "datasets").stdout
    assert {s["name"] for s in json.loads(gtt(home, "datasets", "--json").stdout)} >= {
        "tales", "copy", "reverse", "addition", "induction", "python", "tinystories", "wikitext-2",
    }  # fmt: skip


def test_every_setting_is_listed(home: Path) -> None:
    shown = gtt(home, "settings").stdout
    for key in ("data.source", "model.n_layers", "training.learning_rate", "generation.top_p"):
        assert f"{key}  (" in shown
    assert "model.n_layers" not in gtt(home, "settings", "training").stdout


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert printable("a\x1b[2Jb\tc\nd\x7f\x9b") == "a␛[2Jb\tc\nd··"
