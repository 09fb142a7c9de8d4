"""GTT from Python: `gtt.train(...)` yields the events of a run, `gtt.load(...)` gives the model."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from gtt.config import GROUPS, GenerationConfig, RunConfig
from gtt.data.sources import resolve_source
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableRun
from gtt.interpret.attention import attention_maps
from gtt.model.export import load_model
from gtt.model.gpt import GPT
from gtt.model.sampling import EMPTY_PROMPT, NOT_NUMBERS, generate_text
from gtt.recipes import load_recipe
from gtt.runs.execute import Watcher, start_run
from gtt.runs.folder import RunFolder, claim_folder
from gtt.runs.home import Home
from gtt.runs.inspect import checkpoint_of
from gtt.runs.journal import Record
from gtt.settings import nearest, parse
from gtt.training.events import EVENTS, Event

ABOUT_THE_LINE = ("seq", "time", "type")  # of a journal, beside what the event itself says


class Training(Iterable[Event]):
    """A run that trains in the background since it was made; `folder` is where it lies.

    Iterating gives its events, the last of them `RunEnded`. Leaving the loop before that, by
    `break` or by an exception, ends the run after its step, saved, and waits for that; so does
    leaving a `with` block of it, and `close`. `stop` asks for the same and does not wait. A run
    that nobody holds any more, or whose program is over, ends by itself, saved as well.
    """

    def __init__(self, config: RunConfig, home: Home, folder: Path) -> None:
        self.folder = folder
        self._stop = _Stop()
        self._events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        is_new = claim_folder(folder)
        # The thread lets whoever reads slowly hold up nobody, and Ctrl-C end the run saved. It
        # knows nothing of this object, which may go while it trains.
        work = partial(_work, config, home, folder, is_new, self._stop, self._events)
        self._thread = threading.Thread(target=work, name="training")
        weakref.finalize(self, self._stop.set)
        self._thread.start()

    def __iter__(self) -> Iterator[Event]:
        """What has not been told yet; a loop holds this alone, so leaving one is noticed here."""
        try:
            while True:
                try:
                    event = next(self)
                except StopIteration:
                    return
                yield event
        finally:
            self.close()

    def __next__(self) -> Event:
        """One event, as `next` asks for it: between two of them the run goes on."""
        event = self._events.get()
        if isinstance(event, Event):
            return event
        self._events.put(None)  # for whoever asks again after the end
        raise StopIteration if event is None else event

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """Asks the run to end; the events that are left say how it does."""
        self._stop.set()

    def close(self) -> None:
        """Ends the run, if it has not ended, and waits until it is saved.

        Where its text is still read there is nothing to save, and nothing of it stays.
        """
        self._stop.set()
        self._thread.join()


class _Stop(threading.Event):
    """Is also set once the program is over, which would wait for the training otherwise."""

    def is_set(self) -> bool:
        return super().is_set() or not threading.main_thread().is_alive()


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
        changes = settings if prompt is None else {**settings, "prompt": prompt}
        chosen = parse(GenerationConfig, {**self.settings.model_dump(), **changes})
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
    The run lies in `out`, a new or empty folder, or under `$GTT_HOME`. Raises `BadInput` for a
    setting, a text or a folder that does not serve; what shows only while the text is read or the
    model is made is raised in the loop.
    """
    config = load_recipe(recipe).config.updated(_in_groups(changes))
    home = Home.from_environment()
    home.keep_caches()
    resolve_source(config.data.source)
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
            fields = [field for model in GROUPS.values() for field in model.model_fields]
            raise BadInput(nearest("setting", name, [*GROUPS, *fields]), field=name)
        if len(having) > 1:
            raise BadInput(
                f"{name} is a setting of {' and of '.join(having)}: write "
                f"{having[0]}={{{name!r}: {value!r}}}.",
                field=name,
            )
        grouped.setdefault(having[0], {})[name] = value
    return grouped


def _work(
    config: RunConfig,
    home: Home,
    folder: Path,
    is_new: bool,
    stop: threading.Event,
    events: queue.SimpleQueue[Event | BaseException | None],
) -> None:
    """Trains, and puts the run's events into the queue as its journal gets them; at last None, or
    what went wrong. A run that was not begun leaves no new folder."""

    def put_event(record: Record) -> None:
        values = {name: value for name, value in record.items() if name not in ABOUT_THE_LINE}
        events.put(EVENTS[str(record["type"])](**values))

    try:
        start_run(config, home, folder, watcher=Watcher(record=put_event, stop=stop))
        events.put(None)
    except BaseException as error:
        if is_new:
            with suppress(OSError):  # there is a run in it
                folder.rmdir()
        events.put(error)
