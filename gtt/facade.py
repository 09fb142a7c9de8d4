"""GTT from Python: `gtt.train(...)` yields what happens, `gtt.load(...)` gives the model."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from gtt.config import GROUPS, GenerationConfig, RunConfig
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableRun
from gtt.interpret.attention import attention_maps
from gtt.model.export import load_model
from gtt.model.gpt import GPT
from gtt.model.sampling import EMPTY_PROMPT, NOT_NUMBERS, generate_text
from gtt.recipes import load_recipe
from gtt.runs.execute import Watcher, start_run
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.inspect import checkpoint_of
from gtt.runs.journal import Record
from gtt.settings import nearest, parse
from gtt.training.events import EVENTS, Event

ABOUT_THE_LINE = ("seq", "time", "type")  # of a journal, beside what the event itself says


class Training(Iterator[Event]):
    """A run in the background; iterating gives its events, the last of them `RunEnded`.

    `folder` is where it lies. `stop` ends it after its step, saved; so does leaving the loop by an
    exception or Ctrl-C, and so does letting go of this object.
    """

    def __init__(self, config: RunConfig, home: Home, folder: Path) -> None:
        self.folder = folder
        self._stop = threading.Event()
        self._events = _events(config, home, folder, self._stop)

    def __next__(self) -> Event:
        return next(self._events)

    def stop(self) -> None:
        """Asks the run to end; the events that are left say how it does."""
        self._stop.set()


class Attention(NamedTuple):
    """What each head looks at: `weights` is (layers, heads, T, T), query by key, of T `tokens`."""

    tokens: list[str]
    weights: Tensor


class Model:
    """A trained model with its tokenizer and the settings it writes with."""

    def __init__(self, gpt: GPT, tokenizer: Tokenizer, settings: GenerationConfig) -> None:
        self.gpt, self.tokenizer, self.settings = gpt, tokenizer, settings

    def generate(self, prompt: str | None = None, **settings: Any) -> str:
        """The prompt and its continuation; settings of generation by name, `temperature=0.7`."""
        given = settings if prompt is None else {**settings, "prompt": prompt}
        chosen = parse(GenerationConfig, {**self.settings.model_dump(), **given})
        try:
            return chosen.prompt + "".join(generate_text(self.gpt, self.tokenizer, chosen))
        except FloatingPointError:
            raise UnusableRun(NOT_NUMBERS) from None

    def attention(self, text: str) -> Attention:
        """The attention of every head over a text of at most a block; raises `BadInput`."""
        ids, most = self.tokenizer.encode(text), self.gpt.config.block_size
        if not ids:
            raise BadInput(EMPTY_PROMPT, field="text")
        if len(ids) > most:
            raise BadInput(
                f"The text has {len(ids)} tokens and the model reads {most} at once: shorten it.",
                field="text",
            )
        maps = attention_maps(self.gpt, ids, range(self.gpt.config.n_layers))
        return Attention([self.tokenizer.token_text(id) for id in ids], maps.weights)


def train(recipe: str = "quickstart", *, out: str | Path | None = None, **changes: Any) -> Training:
    """Starts a run of a recipe with changed settings; iterate over it to follow it.

    A change is a setting by its name, `max_steps=200`, or a group of them, `data={"source": ...}`.
    The run lies in `out`, a new or empty folder, or under `$GTT_HOME`. Raises `BadInput`.
    """
    config = load_recipe(recipe).config.updated(_in_groups(changes))
    home = Home.from_environment()
    home.keep_caches()
    return Training(config, home, Path(out).absolute() if out else home.new_run(config.name))


def load(folder: str | Path, checkpoint: str = "best") -> Model:
    """The model of a run folder, its `best` or `latest` checkpoint or that of a step.

    A checkpoint's own folder is taken as well. Raises `UnusableRun`.
    """
    place, settings = Path(folder), GenerationConfig()
    if not (place / "model.safetensors").is_file():
        settings = RunFolder(place).config().generation
        place = checkpoint_of(place, checkpoint)
    model, _ = load_model(place)
    return Model(model.eval(), Tokenizer.load(place), settings)


def _in_groups(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their group; a name that several groups have is refused with a way out."""
    grouped: dict[str, Any] = {}
    for name, value in changes.items():
        if name in GROUPS or name == "name":
            merged = {**grouped.get(name, {}), **value} if isinstance(value, Mapping) else value
            grouped[name] = merged
            continue
        having = [group for group, model in GROUPS.items() if name in model.model_fields]
        if not having:
            known = [field for model in GROUPS.values() for field in model.model_fields]
            raise BadInput(nearest("setting", name, [*GROUPS, *known]), field=name)
        if len(having) > 1:
            raise BadInput(
                f"{name} is a setting of {' and of '.join(having)}: write "
                f"{having[0]}={{{name!r}: {value!r}}}.",
                field=name,
            )
        grouped.setdefault(having[0], {})[name] = value
    return grouped


def _events(config: RunConfig, home: Home, folder: Path, stop: threading.Event) -> Iterator[Event]:
    """The run's events as its journal gets them; the run trains in a thread of its own.

    The thread is what lets whoever reads slowly hold up nobody, and Ctrl-C end the run saved.
    """
    told: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()

    def record(one: Record) -> None:
        values = {name: value for name, value in one.items() if name not in ABOUT_THE_LINE}
        told.put(EVENTS[str(one["type"])](**values))

    def work() -> None:
        try:
            start_run(config, home, folder, watcher=Watcher(record=record, stop=stop))
            told.put(None)
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=work, name="training")
    thread.start()
    try:
        while (one := told.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        stop.set()
        thread.join()
