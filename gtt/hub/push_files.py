"""The files of a push, laid out in a folder: the best checkpoint, its card, its pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gtt.errors import UnusableRun
from gtt.exports.about import about_without_paths
from gtt.hub.card import CURVE, SAMPLES, check_card, write_card
from gtt.hub.card_facts import Story, gather
from gtt.runs.folder import RunFolder

if TYPE_CHECKING:
    from gtt.hub.pictures import SamplesPicture

TRIES = 5  # to find a checkpoint that a training replaces meanwhile
# Of a checkpoint only what transformers reads, and the settings. Whatever else lies there stays.
KNOWN = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "gpt.py",
    "modeling_gtt.py",
)

Learn = Callable[[Story], Story]


@dataclass(frozen=True)
class Prepared:
    """The files as they go out, by their names on the Hub."""

    story: Story
    files: dict[str, Path]


def prepare_files(
    run_folder: Path, corpora: Path, into: Path, repo: str, learn: Learn = lambda story: story
) -> Prepared:
    """Lays the files out in `into`, which is emptied first; weights are linked, not copied.

    A training that goes on and replaces its checkpoint changes nothing in it. `learn` may add to
    the story what the Hub knows. Raises `UnusableRun` for a run without a checkpoint, OSError
    where the disk refuses.
    """
    link_checkpoint(run_folder, into)
    story = learn(gather(run_folder, into, corpora))
    samples = _draw(story, into)
    text = write_card(story, repo, samples.left_out, has_picture=samples.png is not None)
    check_card(text)
    (into / "README.md").write_text(text, encoding="utf-8")
    about = about_without_paths(into)
    (into / "gtt.json").unlink()  # a link: the checkpoint keeps its own
    (into / "gtt.json").write_text(about, encoding="utf-8")
    return Prepared(story, {path.name: path for path in sorted(into.iterdir())})


def link_checkpoint(run_folder: Path, into: Path) -> None:
    """Links the files of the best checkpoint into a folder, all of them of the same checkpoint."""
    checkpoints = RunFolder(run_folder).checkpoints
    for tries_left in reversed(range(TRIES)):
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        place = checkpoints.best()
        try:
            for name in (*KNOWN, "gtt.json"):
                if (place / name).is_file():
                    _link(place / name, into / name)
            _require_whole(place, into)
            return
        except FileNotFoundError:  # it went while it was read: another is the best now
            if not tries_left:
                raise


def _require_whole(place: Path, into: Path) -> None:
    """Raises FileNotFoundError where a checkpoint is gone, `UnusableRun` where it never was one."""
    missing = [
        name
        for name in ("config.json", "model.safetensors", "tokenizer.json", "gtt.json")
        if not (into / name).exists()
    ]
    if missing and place.is_dir():
        raise UnusableRun(
            f"The checkpoint {place.name} has no {missing[0]}: train on, or take another run."
        )
    if missing:
        raise FileNotFoundError(missing[0])


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a disk without links
        shutil.copyfile(source, target)


def _draw(story: Story, into: Path) -> SamplesPicture:
    from gtt.hub.pictures import curve_picture, samples_picture  # matplotlib

    curve, samples = curve_picture(story), samples_picture(story.samples)
    for name, picture in ((CURVE, curve), (SAMPLES, samples.png)):
        if picture is not None:
            (into / name).write_bytes(picture)
    return samples
