"""Output of a push in the terminal: a bar on stderr, so that stdout holds the link alone."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)

from gtt.durations import short_duration
from gtt.hub.push_start import StartedPush
from gtt.hub.push_state import PushState

WORDS = {
    "preparing": "laying out the files",
    "sending": "sending",
    "publishing": "publishing",
    "done": "done",
}


class PushDisplay:
    """A bar of bytes with speed and time left; where stderr is no terminal, a line per stage."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task("starting", total=None, left="")
        self._stage = ""

    def __enter__(self) -> PushDisplay:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def follow(self, push: StartedPush) -> PushState | None:
        """Shows a push to its end; how it stands then."""
        state = None
        for state in push.follow():
            self.show(state)
        return state

    def show(self, state: PushState) -> None:
        """Takes in how the push stands."""
        words = WORDS.get(state.stage)
        if words is None:  # its end is told by a sentence
            return
        time_left = (
            "" if state.seconds_left is None else f"{short_duration(state.seconds_left)} left"
        )
        arrived = state.kept + state.sent
        self.bar.update(
            self.task, description=words, total=state.total, completed=arrived, left=time_left
        )
        if not self.console.is_terminal and state.stage != self._stage:
            size = "" if state.total is None else f" ({state.total / 1e6:.1f} MB)"
            self.console.print(f"{words}{size} …")
        self._stage = state.stage
