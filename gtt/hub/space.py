"""A pocket model as a static Space: one page that everybody can open, on the Hub for nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from huggingface_hub import SpaceCard

from gtt.exports.pocket_page import pocket_page
from gtt.hub.card import about_data, about_model, licence_of
from gtt.hub.card_facts import Story, gather
from gtt.hub.push_files import Learn, Prepared, link_checkpoint
from gtt.markdown import as_text
from gtt.runs.folder import RunFolder

PAGE = "index.html"
SHORT = "A small GPT in one page, trained from scratch, to try out"  # 60 characters at most


def prepare_space(run_folder: Path, corpora: Path, into: Path, learn: Learn) -> Prepared:
    """Lays out the page of a run's best checkpoint and the README that makes it a Space.

    Raises `BadInput` where the page cannot compute such a model, and what `prepare_files` raises.
    """
    checkpoint = into / "checkpoint"
    link_checkpoint(run_folder, checkpoint)
    story = learn(gather(run_folder, checkpoint, corpora))
    page = pocket_page(checkpoint, RunFolder(run_folder).config())
    shutil.rmtree(checkpoint)
    text = write_space_card(story)
    SpaceCard(text).data.to_yaml()
    (into / PAGE).write_text(page, encoding="utf-8")
    (into / "README.md").write_text(text, encoding="utf-8")
    return Prepared(story, {name: into / name for name in (PAGE, "README.md")})


def write_space_card(story: Story) -> str:
    """README.md of the Space: what the Hub reads, then what people read."""
    settings = {
        "title": story.name,
        "emoji": "✏️",
        "colorFrom": "blue",
        "colorTo": "indigo",
        "sdk": "static",
        "app_file": PAGE,
        "pinned": False,
        "short_description": SHORT,
        "tags": ["gtt", "trained-from-scratch"],
        **licence_of(story.origin),
    }
    front = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False).strip()
    loss = (
        ""
        if story.validation_loss is None
        else f" It reached a validation loss of {story.validation_loss:.4f} nats per token."
    )
    body = [
        f"# {as_text(story.name)}",
        about_model(story),
        f"The whole model is in `{PAGE}`, which runs it in the browser of whoever opens it: "
        "nothing is computed on a server, and nothing that is written there is sent. It was "
        f"trained for {story.step:,} steps.{loss}",
        about_data(story),
    ]
    return f"---\n{front}\n---\n\n" + "\n\n".join(body) + "\n"
