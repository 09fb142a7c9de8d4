"""The model card: README.md of a model on the Hub, written from the run and from nothing else.

What was not measured is left out, or said not to be known. Words that somebody chose (names, texts)
are escaped, so that none of them acts as Markdown or front matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from gtt.data.exams import exam_for
from gtt.data.public_settings import without_paths
from gtt.durations import duration_in_words
from gtt.hub.card_facts import Story
from gtt.hub.text_origin import Origin
from gtt.markdown import as_text, fenced
from gtt.runs.run_view import Sample

CURVE, SAMPLES = "curve.png", "samples.png"
BASELINES = {
    "uniform": "guessing evenly among all tokens",
    "unigram": "knowing how often each token comes",
    "bigram": "knowing which token follows which",
    "floor": "the entropy of the language itself, which no model can beat",
}
LONGEST_SAMPLE = 1200  # characters of one in the text of the card


def write_card(
    story: Story, repo: str, left_out: Sequence[Sample] = (), *, has_picture: bool = True
) -> str:
    """The whole card of a model that goes to `repo`.

    `left_out` are the samples that the picture cannot show; they stand as text.
    """
    parts = [
        f"# {as_text(story.name)}",
        about_model(story),
        _pictures(story, has_picture=has_picture),
        _how_good(story),
        _how_to_load(story, repo),
        _text_it_wrote(story, left_out),
        about_data(story),
        _copying(story),
        _cost(story),
        _how_it_was_made(story),
    ]
    body = "\n\n".join(part for part in parts if part)
    return f"---\n{_front_matter(story)}\n---\n\n{body}\n"


def check_card(text: str) -> None:
    """Raises `ValueError` where the Hub's library cannot read the front matter."""
    data = ModelCard(text).data
    data.to_yaml()


def _front_matter(story: Story) -> str:
    origin = story.origin
    data = ModelCardData(
        language=origin.language,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["gtt", "trained-from-scratch"],
        datasets=[origin.dataset] if origin.dataset else None,
        model_name=story.name if story.validation_loss is not None else None,
        eval_results=_results(story) or None,
        **licence_of(origin),
    )
    return data.to_yaml().strip()


def licence_of(origin: Origin) -> dict[str, Any]:
    """The licence of a text in the words of front matter, as far as it is known."""
    named = {
        "license": origin.licence_id,
        "license_name": origin.licence_name,
        "license_link": None if origin.licence_name is None else origin.url,
    }
    return {name: value for name, value in named.items() if value is not None}


def _results(story: Story) -> list[EvalResult]:
    """The losses as the Hub's tables take them; all on the validation part of the text."""
    measured = {
        "loss": ("Validation loss, nats per token", story.validation_loss),
        "perplexity": ("Perplexity per token", story.perplexity),
        "bits_per_byte": ("Bits per byte", story.bits_per_byte),
        "accuracy": (f"Share of {_exam(story)}", story.task_score),
    }
    return [
        EvalResult(
            task_type="text-generation",
            task_name="Text generation",
            dataset_type=story.origin.dataset or story.origin.source,
            dataset_name=story.origin.title,
            dataset_split="validation part, as GTT cut it",
            metric_type=kind,
            metric_name=name,
            metric_value=round(float(value), 6),
        )
        for kind, (name, value) in measured.items()
        if value is not None
    ]


def _exam(story: Story) -> str:
    exam = exam_for(story.origin.source)
    return exam.metric if exam is not None else "exact answers"


def about_model(story: Story) -> str:
    """What kind of model it is, and what it is good for."""
    model = story.config.model
    size = "" if story.parameters is None else f" with {story.parameters:,} parameters"
    return f"""\
A decoder-only transformer{size}, trained from random weights on {as_text(story.origin.title)} with
GTT, a page on which people train a small GPT and watch it learn. {model.n_layers} layers,
{model.n_heads} heads, {model.n_embed} wide, {model.block_size} tokens of context, a vocabulary of
{story.vocab_size:,}.

It is good for looking at how such a model works, for teaching and for play. It is no assistant: it
goes on with a text in the manner of the one it was trained on, knows nothing else, follows no
instructions, and states falsehoods as smoothly as anything. Nothing filters what it writes."""


def _pictures(story: Story, *, has_picture: bool) -> str:
    last = story.curve[-1] if story.curve else None
    curve = "" if last is None else f": training loss {last[1]:.3f} at step {last[0]:,}"
    images = [f"![Loss over the steps of training{curve}]({CURVE})"] if story.curve else []
    if story.samples and has_picture:
        images.append(f"![What the model wrote at several steps, the last one below]({SAMPLES})")
    return "\n\n".join(images)


def _how_good(story: Story) -> str:
    rows = []
    if story.validation_loss is not None:
        at = "" if story.measured_at is None else f", measured at step {story.measured_at:,}"
        rows.append(f"| **this model**{at} | **{story.validation_loss:.4f}** |")
    rows += [
        f"| {words} | {value:.4f} |"
        for name, words in BASELINES.items()
        if (value := story.baselines.get(name)) is not None
    ]
    if not rows:
        return ""
    lines = ["## How good it is", "", "| | nats per token |", "| --- | --- |", *rows, ""]
    more = []
    if story.perplexity is not None:
        more.append(f"perplexity {story.perplexity:.3f}")
    if story.bits_per_byte is not None:
        more.append(f"{story.bits_per_byte:.4f} bits per byte")
    if story.task_score is not None:
        more.append(f"{story.task_score:.1%} {_exam(story)}")
    if story.training_loss is not None:
        more.append(f"loss on the training part {story.training_loss:.4f} at the last log point")
    if story.validation_loss is None:
        lines.append("Its loss on the validation part was not measured.")
    lines.append(
        "Losses are cross-entropies on the validation part of the text, which the model was not "
        "trained on. They compare only between models with the same tokenizer and text."
    )
    if more:
        lines.append(f"Beside it: {', '.join(more)}.")
    if story.validation_seen:
        lines.append(
            f"{story.validation_seen:.1%} of the validation part stands word for word in the "
            "training part, so the validation loss flatters the model."
        )
    return "\n".join(lines)


def _how_to_load(story: Story, repo: str) -> str:
    trust = ", trust_remote_code=True" if story.own_code else ""
    note = (
        "\n\nIts architecture is not one of the library's: it brings its own model file, which "
        "`trust_remote_code=True` runs. Read `modeling_gtt.py` and `gpt.py` before."
        if story.own_code
        else ""
    )
    prompt = story.config.generation.prompt
    return f"""\
## How to load it

```python
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

tokenizer = AutoTokenizer.from_pretrained("{repo}"{trust})
model = AutoModelForCausalLM.from_pretrained("{repo}"{trust})
write = pipeline("text-generation", model=model, tokenizer=tokenizer)
print(write({prompt!r}, max_new_tokens=100)[0]["generated_text"])
```{note}"""


def _text_it_wrote(story: Story, left_out: Sequence[Sample]) -> str:
    if not story.samples:
        return ""
    last = story.samples[-1]
    parts = [
        f"## What it wrote\n\nAt step {last.step:,}, from the prompt {_inline(last)}, not chosen "
        f"among others:\n\n{_block(last)}"
    ]
    earlier = [sample for sample in left_out if sample != last]
    if left_out:
        parts.append(
            "This stands as text and in no picture: the machine that made the card has no font "
            "with all the letters."
        )
    parts += [f"At step {sample.step:,}:\n\n{_block(sample)}" for sample in earlier]
    return "\n\n".join(parts)


def _block(sample: Sample) -> str:
    return fenced((sample.prompt + sample.text)[:LONGEST_SAMPLE])


def _inline(sample: Sample) -> str:
    prompt = repr(sample.prompt[:80])
    return f"`` {prompt} ``" if "``" not in prompt else "of the run"


def about_data(story: Story) -> str:
    """Where the text comes from, and under which licence."""
    origin = story.origin
    lines = [f"## Data and licence\n\nTrained on {as_text(origin.title)}"]
    if story.train_tokens is not None and story.validation_tokens is not None:
        lines[0] += (
            f": {story.train_tokens:,} tokens for training, {story.validation_tokens:,} held back "
            "for validation"
        )
    lines[0] += "."
    if origin.licence is not None:
        lines.append(f"Licence of the text: {as_text(origin.licence)}.")
    elif origin.licence_id is not None:
        lines.append(f"Licence of the data set, as the Hub names it: {as_text(origin.licence_id)}.")
    else:
        lines.append(
            "The licence of this text is not known to GTT: whoever publishes the model knows what "
            "it was trained on, and answers for it."
        )
    if origin.citation is not None:
        lines.append(f"Source: {as_text(origin.citation)}.")
    if origin.is_private:
        lines.append("The text itself is not part of this repository.")
    return "\n".join(lines)


def _copying(story: Story) -> str:
    head = "## Does it copy?\n\n"
    copies = story.copies
    if copies is None:
        return (
            f"{head}Not looked at: the run has no sample, or its text is no longer kept as tokens."
        )
    unit = copies.unit
    lines = [
        f"The last sample during training, {copies.words:,} {unit}, was looked up in "
        f"{copies.training_words:,} {unit} of the training text"
        f"{'' if story.copies_whole else ', which is only a part of it'}."
    ]
    if copies.runs:
        longest = copies.runs[0].words
        lines.append(f"The longest passage that stands there word for word has {longest:,} {unit}.")
    else:
        lines.append(f"No passage of {copies.shortest} {unit} or more stands there word for word.")
    if copies.novel is not None:
        line = f"Of its sequences of {copies.gram} {unit}, {copies.novel:.0%} are new"
        if copies.novel_in_validation is not None:
            new = f"{copies.novel_in_validation:.0%}"
            line += f"; of the validation text, which no model wrote, {new} are"
        lines.append(f"{line}.")
    lines.append(
        "One sample is no proof: a model can know passages by heart that it did not write here."
    )
    return head + "\n".join(lines)


def _cost(story: Story) -> str:
    if story.seconds is None or story.watt_hours is None:
        return ""
    hours = story.watt_hours
    energy = f"{hours:.2g}" if hours < 10 else f"{hours:,.0f}"
    device = story.device or "an unknown device"
    many = "" if story.processes == 1 else f", {story.processes} processes"
    tokens_seen = "" if story.tokens_seen is None else f" over {story.tokens_seen:,} tokens"
    return (
        f"## Time and energy\n\nTrained for {duration_in_words(story.seconds)}{tokens_seen} on "
        f"{as_text(device)}{many}. "
        f"Energy: about {energy} Wh. That is an estimate and was not measured: the time, times "
        f"{story.watts} watts that such a machine is assumed to draw."
    )


def _how_it_was_made(story: Story) -> str:
    training = story.config.training
    steps = f"{story.step:,}"
    if story.total_steps is not None and story.total_steps != story.step:
        steps += f" of {story.total_steps:,}"
    rows = [
        ("checkpoint", f"step {steps}"),
        ("begun", as_text(story.created) or "not known"),
        ("optimizer", training.optimizer),
        ("learning rate", f"{training.learning_rate:g}, {training.lr_scheduler}"),
        ("batch", f"{training.batch_size} windows of {story.config.model.block_size} tokens"),
        ("precision", as_text(story.precision or "not known")),
        ("versions", as_text(", ".join(f"{k} {v}" for k, v in story.versions.items()))),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows if value)
    settings = story.config.model_dump(mode="json")
    settings["data"] = without_paths(story.config.data).model_dump(mode="json")
    recipe = {
        "title": story.name,
        "summary": "The settings of this model.",
        "audience": "whoever wants to train it again",
        "config": settings,
        "measured": None,
    }
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=100)
    return (
        f"## How it was made\n\n| | |\n| --- | --- |\n{table}\n\nAll settings, as a recipe: saved "
        "as `recipe.yaml`, `python -m gtt train --recipe recipe.yaml` trains such a model again.\n"
        f"\n{fenced(text.rstrip(), 'yaml')}"
    )
