"""Output of a run in the terminal: a bar and samples for a person, lines of JSON for a script."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from gtt.console import json_line
from gtt.durations import full_duration
from gtt.runs.pace import Pace
from gtt.training.events import MEASURED

if TYPE_CHECKING:
    from gtt.data.progress import Progress as Preparing
    from gtt.runs.execute import Watcher
    from gtt.training.events import RunEnded

Record = dict[str, Any]


class QuietDisplay:
    """Shows nothing: the processes beside the main one."""

    def __enter__(self) -> QuietDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def watcher(self) -> Watcher:
        """What to hand to `start_run` or `resume_run`."""
        from gtt.runs.execute import Watcher

        return Watcher()


class JsonDisplay(QuietDisplay):
    """Each journaled event as a line on stdout; the last one carries `run_dir`."""

    def __init__(self) -> None:
        self._held: Record | None = None

    def watcher(self) -> Watcher:
        from gtt.runs.execute import Watcher

        return Watcher(record=unless_gone(self._record))

    def finish(self, folder: Path, end: RunEnded) -> None:
        """Prints the last event, with the run folder in it."""
        held = self._held or end.as_json()
        print(json_line({**held, "run_dir": str(folder)}), flush=True)

    def _record(self, record: Record) -> None:
        if record["type"] == "RunEnded":
            self._held = record
        else:
            print(json_line(record), flush=True)


class TerminalDisplay(QuietDisplay):
    """A progress bar with loss, speed and time left; samples above it as they come.

    Where stdout is no terminal, a plain line every few seconds takes the bar's place.
    """

    def __init__(self, name: str, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.name = name
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            transient=True,
        )
        self.task: TaskID = self.bar.add_task("loading", total=None, figures="")
        self.live = Live(self.bar, console=self.console, transient=True, refresh_per_second=8)
        self.started: Record = {}
        self.logged: Record = {}
        self.evaluated: Record = {}
        self.pace = Pace()  # fed with what the journal has, as the page's is
        self.last_line = 0.0

    def __enter__(self) -> TerminalDisplay:
        self.console.print(f"GTT · {self.name}: getting ready …")
        self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.live.stop()

    def watcher(self) -> Watcher:
        from gtt.runs.execute import Watcher

        return Watcher(
            preparing=unless_gone(self._preparing),
            record=unless_gone(self._record),
            step=unless_gone(self._step),
        )

    def finish(self, folder: Path, end: RunEnded) -> None:
        """The summary: how it ended, and the loss against the baselines; the folder comes last."""
        self.console.print(Text(end.message))
        for line in self._summary():
            self.console.print(Text(line))
        if end.reason in ("stopped", "out_of_time"):
            self.console.print(Text(f"Go on with: python -m gtt resume {shlex.quote(str(folder))}"))
        print(folder, flush=True)

    # ---------------------------------------------------------------- what comes in

    def _preparing(self, progress: Preparing) -> None:
        self.bar.update(
            self.task,
            description=progress.stage,
            completed=progress.done,
            total=progress.total,
            figures=progress.unit,
        )
        counted = f": {progress.done:,} {progress.unit}" if progress.unit else ""
        self._line(f"{progress.stage}{counted}", every=5.0)

    def _record(self, record: Record) -> None:
        self.pace.note(record, record["time"], record["step"])
        show = {
            "RunStarted": self._show_start,
            "StepLogged": self._show_step,
            "Evaluated": self._show_evaluation,
            "Sampled": self._show_sample,
        }.get(record["type"])
        if show is not None:
            show(record)

    def _step(self, step: int) -> None:
        self.bar.update(self.task, completed=step, figures=self._figures(step))
        # Rich refreshes on a thread of its own; the plain line has none.
        self._line(f"step {step:,} of {self.started['total_steps']:,} · {self._figures(step)}", 5.0)

    # ------------------------------------------------------------------ what is shown

    def _show_start(self, record: Record) -> None:
        self.started = record
        every = record["config"]["training"]["eval_every"]
        self.pace.begin(record["time"], record["step"], every)
        self.bar.update(
            self.task, description="training", total=record["total_steps"], completed=record["step"]
        )
        source = record["config"]["data"]["source"]
        self.console.print(
            Text(
                f"{record['parameters']:,} parameters, vocabulary of {record['vocab_size']:,}, "
                f"{record['train_tokens']:,} training tokens of {source}, "
                f"{record['total_steps']:,} steps of {record['tokens_per_step']:,} tokens, "
                f"{record['precision']} on {record['device']}"
                + (f", {record['processes']} processes" if record["processes"] > 1 else "")
            )
        )
        for note in record["notes"]:
            self.console.print(Text(f"note: {note}"))

    def _show_step(self, record: Record) -> None:
        self.logged = record

    def _show_evaluation(self, record: Record) -> None:
        self.evaluated = record
        every = self.started["config"]["training"]["eval_every"]
        if 0 < record["step"] < min(every, self.started["total_steps"]):
            return  # an early one is for the curve
        text = " · ".join([f"step {record['step']:,}", *_metrics_in(record)])
        self.console.print(Text(text, style="bold"))

    def _show_sample(self, record: Record) -> None:
        text = printable(record["prompt"] + record["text"]).strip()
        self.console.print(Text(f"step {record['step']:,} · sample", style="bold"))
        for line in text.splitlines() or [""]:
            self.console.print(Text(f"    {line}"))

    def _figures(self, step: int) -> str:
        seconds_left = self.pace.seconds_left(
            self.started["total_steps"], self.started["config"]["training"]
        )
        remaining = [] if seconds_left is None else [f"{full_duration(seconds_left)} left"]
        return " · ".join([*_metrics_in(self.logged), *remaining])

    def _summary(self) -> list[str]:
        """The last validation loss between the baselines, lowest last."""
        if not self.evaluated or self.evaluated["validation_loss"] is None:
            return []
        losses = {
            f"{name} baseline" if name != "floor" else "floor (entropy of the language)": value
            for name, value in self.started["baselines"].items()
            if value is not None
        }
        windows = self.started["config"]["training"]["eval_windows"]
        losses[f"this model, {windows} validation windows"] = self.evaluated["validation_loss"]
        ranked = sorted(losses.items(), key=lambda item: -item[1])
        lines = [f"    {loss:7.4f}  {name}" for name, loss in ranked]
        measured_at, logged = self.evaluated["step"], self.logged
        if logged and logged["step"] > measured_at and logged["loss"] is not None:
            lines.append(f"    {logged['loss']:7.4f}  training loss at step {logged['step']:,}")
        if self.evaluated["bits_per_byte"] is not None:
            lines.append(f"    {self.evaluated['bits_per_byte']:7.4f}  bits per byte, this model")
        return [f"Loss in nats per token, last measured at step {measured_at:,}:", *lines]

    def _line(self, text: str, every: float) -> None:
        """A plain line where no terminal can draw a bar, at most once in `every` seconds."""
        now = time.monotonic()
        if not self.console.is_terminal and now - self.last_line >= every:
            self.last_line = now
            self.console.print(Text(text))


Shown = TypeVar("Shown")


def unless_gone(show: Callable[[Shown], None]) -> Callable[[Shown], None]:
    """`show`, silent after the reader of stdout has closed it: the training goes on."""
    has_gone = False

    def show_if_read(item: Shown) -> None:
        nonlocal has_gone
        if has_gone:
            return
        try:
            show(item)
        except (BrokenPipeError, SystemExit):  # rich ends the process at a broken pipe
            has_gone = True

    return show_if_read


def printable(text: str) -> str:
    """Text for a terminal: a control character, which could move the cursor, becomes its picture.

    A young model writes any token of its vocabulary, whatever it does to a terminal.
    """
    return "".join(
        chr(0x2400 + ord(c))
        if ord(c) < 32 and c not in "\n\t"
        else "·"
        if 127 <= ord(c) < 160
        else c
        for c in text
    )


def _metrics_in(record: Record) -> list[str]:
    """What a record measured, as far as the terminal says it."""
    metrics = MEASURED.get(record.get("type", ""), {})
    texts = (metric.in_terminal(record.get(name)) for name, metric in metrics.items())
    return [words for words in texts if words is not None]
