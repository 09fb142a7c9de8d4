"""The report: one page with everything about a run, to be read, graded or printed."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gtt import __version__
from gtt.config import RunConfig, describe_settings
from gtt.data.exams import exam_for
from gtt.data.public_settings import public_source, public_tokenizer
from gtt.durations import duration_in_words
from gtt.errors import UnusableRun
from gtt.exports import report_parts as show
from gtt.exports.one_file import one_file, text
from gtt.interpret.diagnosis import diagnose
from gtt.interpret.figures import RunCurves
from gtt.interpret.history import heads_in_snapshot
from gtt.interpret.measurements import Measurements
from gtt.runs.folder import RunFolder
from gtt.runs.run_reader import RunReader
from gtt.runs.run_view import RunView, spread_samples
from gtt.runs.snapshot_files import read_snapshot
from gtt.training import schedule

FOLDER = Path(__file__).parent / "report"
POINTS = 1000
SAMPLES = 7
HEADS = 48  # that are drawn
MAP_TOKENS = 48
ENDINGS = {
    "completed": "It ran to its planned end.",
    "stopped": "It was stopped before its planned end.",
    "out_of_time": "It ended when its time was up, before its planned end.",
    "diverged": "It diverged: the loss was no number any more.",
    "failed": "It failed before its planned end.",
}
BASELINES = {
    "uniform": "guessing evenly",
    "unigram": "knowing how often each token comes",
    "bigram": "knowing the token before",
    "floor": "the entropy of the language, which nothing can beat",
}


def report_page(run: RunFolder) -> str:
    """The report of a run as far as it has come; raises `UnusableRun` before its first record."""
    config, reader = run.config(), RunReader(run.path)
    view = reader.view()
    if view.parameters is None:
        raise UnusableRun("This run has not begun to train yet: wait for its first step.")
    sections = [
        show.section("What came of it", _results(config, view), _against(view)),
        show.section("Findings", *_findings(config, reader, view)),
        show.section("Curves", *_curves(config, reader, view)),
        show.section("What it wrote", *_samples(reader)),
        show.section("What its heads look at", *_heads(run, reader)),
        show.section("Settings", *_settings(config)),
        show.section("What this does not show", *_limits(config, view)),
    ]
    created = str(run.about().get("created", "")).replace("T", " ")[:16]
    body = string.Template((FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=text(config.name),
        summary=text(_summary(config, view)),
        sections="\n".join(part for part in sections if part),
        footer=text(
            f"Report of a training run begun {created} UTC, made with GTT {__version__}. Every "
            "number was measured by the run."
        ),
    )
    title = f"{config.name}: report of a training run"
    return one_file(title, (FOLDER / "page.css").read_text(encoding="utf-8"), body)


def _summary(config: RunConfig, view: RunView) -> str:
    about = f" on {public_source(config.data.source).title}"
    model = config.model
    return (
        f"A GPT with {view.parameters:,} parameters ({model.n_layers} layers of {model.n_heads} "
        f"heads, {model.n_embed} wide), trained from scratch{about}: {view.step:,} of "
        f"{view.total_steps or view.step:,} steps, {view.tokens or 0:,} tokens read."
    )


def _results(config: RunConfig, view: RunView) -> str:
    def number(value: float | None, form: str) -> str:
        return "not measured" if value is None else format(value, form)

    ended = view.ended
    rows = [
        ("How it ended", "It is still at work." if ended is None else ENDINGS[ended.reason]),
        ("Validation loss, best", number(view.best_validation_loss, ".4f") + " nats per token"),
        ("measured at step", number(view.best_step, ",")),
        ("Perplexity, last", number(view.perplexity, ".3f")),
        ("Bits per byte, last", number(view.bits_per_byte, ".4f")),
        ("Training loss, last", number(view.loss, ".4f")),
        ("Passes over the text", number(view.epoch, ".2f")),
        ("Time of training", _time(view.seconds)),
        ("Speed", number(view.tokens_per_second, ",.0f") + " tokens a second"),
        ("Computed on", f"{view.device}, {view.precision}, processes: {view.processes}"),
    ]
    if view.task_score is not None:
        exam = exam_for(public_source(config.data.source).setting)
        metric = exam.metric.capitalize() if exam is not None else "Exact answers"
        rows.insert(5, (metric, f"{100 * view.task_score:.1f} %"))
    return show.table("The run in numbers", rows)


def _against(view: RunView) -> str:
    loss = view.best_validation_loss
    rows = [
        (words, float(value), False)
        for name, words in BASELINES.items()
        if (value := (view.baselines or {}).get(name)) is not None and math.isfinite(value)
    ]
    if loss is not None:
        rows.append(("this model", loss, True))
    rows.sort(key=lambda row: -row[1])
    return show.levels("Its loss beside what simpler models reach, in nats per token", rows)


def _findings(config: RunConfig, reader: RunReader, view: RunView) -> Iterator[str]:
    measured = Measurements.of(config, reader, at_work=view.ended is None)
    for finding in diagnose(measured):
        yield show.finding(finding.title, finding.sentence, finding.evidence, finding.weight)


def _curves(config: RunConfig, reader: RunReader, view: RunView) -> Iterator[str]:
    curves = RunCurves(
        config.name,
        reader.curve("loss", POINTS),
        reader.curve("validation_loss", POINTS),
        view.bytes_per_token,
    )
    yield show.loss_curves("Loss of training and validation over the steps", curves, view.baselines)
    total = view.total_steps or view.step
    every = max(1, total // POINTS)
    training = config.training
    planned = [
        (step + 1, training.learning_rate * schedule.lr_factor(step, total, training))
        for step in range(0, total, every)
    ]
    yield show.chart("Schedule: the learning rate that was planned", planned)
    norms = reader.curve("gradient_norm", POINTS)
    yield show.chart("Norm of the gradient before it was clipped", norms)


def _samples(reader: RunReader) -> Iterator[str]:
    measured = reader.curve("validation_loss", POINTS)
    for sample in spread_samples(reader.samples(), SAMPLES):
        before = [loss for step, loss in measured if step <= sample.step]
        yield show.sample(sample.step, sample.prompt, sample.text, before[-1] if before else None)


def _heads(run: RunFolder, reader: RunReader) -> Iterator[str]:
    snapshots = reader.snapshots()
    if not snapshots:
        return
    last = snapshots[-1]
    try:
        arrays = read_snapshot(run.path / last.path, MAP_TOKENS)
    except UnusableRun:
        return
    habits = heads_in_snapshot(arrays)
    layers, heads = arrays.attention.shape[:2]
    maps = [
        show.head_map(
            f"Layer {layer + 1}, head {head + 1}" + _habit(habits[layer], head),
            arrays.attention[layer, head],
        )
        for layer in range(layers)
        for head in range(heads)
    ][:HEADS]
    yield show.paragraph(
        f"At step {last.step:,}, over a text of {len(arrays.texts)} tokens. Each row is a token, "
        "each column one that it looks back at; the darker, the more it reads from there. The "
        "names are habits measured on this one text."
    )
    yield '<div class="heads">' + "\n".join(maps) + "</div>"
    if layers * heads > HEADS:
        yield show.paragraph(f"The first {HEADS} of {layers * heads} heads are shown.", "quiet")


def _habit(habits: Sequence[Mapping[str, Any]], head: int) -> str:
    name = habits[head].get("name") if habits else None
    return f": {name}" if name else ""


def _settings(config: RunConfig) -> Iterator[str]:
    usual = RunConfig()
    yield show.paragraph("Marked as changed is what is not as GTT has it by itself.", "quiet")
    yield '<div class="settings">'
    for group in ("data", "model", "training", "generation"):
        rows = []
        for setting in describe_settings():
            if setting.group != group:
                continue
            value = getattr(getattr(config, group), setting.name)
            changed = value != getattr(getattr(usual, group), setting.name)
            rows.append(
                (setting.label, _value(setting.name, value) + (" (changed)" if changed else ""))
            )
        yield f"<div>{show.table(group.capitalize(), rows)}</div>"
    yield "</div>"


def _value(name: str, value: object) -> str:
    if value is None:
        return "not set"
    if name == "source":
        source = public_source(str(value))
        return source.title if source.kind == "upload" else source.setting
    if name == "pretrained_tokenizer":
        return public_tokenizer(str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) and name == "prompt" else str(value)


def _limits(config: RunConfig, view: RunView) -> Iterator[str]:
    """The limits of the results: conclusions that a reader should not draw."""
    training = config.training
    yield show.paragraph(
        f"The validation loss along the way was measured on {training.eval_windows:,} windows of "
        f"{config.model.block_size} tokens, chosen once: small differences between two points may "
        "be chance. The whole validation part has "
        f"{view.validation_tokens or 0:,} tokens; `evaluate` measures on all of it."
    )
    yield show.paragraph(
        f"This is one run with one seed ({training.seed}). Another seed gives another loss; how "
        "far away it lies, a single run cannot tell."
    )
    share = view.validation_seen
    if share is None:
        yield show.paragraph(
            "How much of the validation part stands word for word in the training part is unknown."
        )
    else:
        yield show.paragraph(
            f"Of the validation part {100 * share:.1f} % stands word for word in the training part"
            + (": so much of its loss tells of memory." if share > 0.05 else ".")
        )
    yield show.paragraph(
        "Samples are drawn by chance and shown as they came; none was picked. They show what the "
        "model writes, not that it understands."
    )
    if view.ended is None or view.ended.reason != "completed":
        yield show.paragraph("The run did not reach its planned end: its curves are cut short.")
    if view.resumes:
        yield show.paragraph(f"It was resumed {view.resumes} times.")
    if view.damage:
        yield show.paragraph(f"Its journal is damaged: {view.damage}.")
    for note in view.notes:
        yield show.paragraph(f"Note of the run: {note}")


def _time(seconds: float | None) -> str:
    return "not measured" if seconds is None else duration_in_words(seconds)
