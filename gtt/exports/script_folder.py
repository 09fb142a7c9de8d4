"""The script: this run's model, data reading and loop as one file of plain PyTorch, to be read.

`script/train.py.txt` is the file with the parts that some runs need and others do not. Beside it go
the text, the tokenizer, and the places of the windows, which the run drew with NumPy's generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer as Backend

from gtt.config import RunConfig
from gtt.data.corpus import Corpus, reopen_corpus
from gtt.errors import BadInput, UnusableRun
from gtt.exports.templates import fill
from gtt.runs.folder import RunFolder
from gtt.runs.records import Record, sound
from gtt.support import ANY, Support
from gtt.training import schedule
from gtt.training.batches import make_sampler

TEMPLATE = Path(__file__).parent / "script" / "train.py.txt"

LARGEST_TEXT = 64_000_000  # tokens: what a list of numbers in Python can still be made of
MOST_SEQUENCES = 20_000_000
SHOWN_LOSSES = 5

# What `script/train.py.txt` has.
supports = Support(
    "The script does not have model.{}: take another format.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre", "post", "none"),
    residual=(True, False),
    position=("learned", "sinusoidal", "none"),
    activation=("gelu", "relu", "silu"),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)
supports_training = Support(
    "The script does not have training.{}: take another format.",
    batch_size=ANY,
    cross_documents=(True, False),
    learning_rate=ANY,
    num_epochs=ANY,
    max_steps=ANY,
    max_minutes=ANY,
    grad_accumulation_steps=ANY,
    warmup_steps=ANY,
    lr_scheduler=("cosine", "linear", "constant"),
    min_lr_ratio=ANY,
    optimizer=("adamw", "muon"),
    muon_learning_rate=ANY,
    weight_decay=ANY,
    beta1=ANY,
    beta2=ANY,
    grad_clip=ANY,
    seed=ANY,
    # These decide when a run looks at itself, whom it tells, or how its numbers are rounded.
    precision=("auto", "fp32", "bf16", "fp16"),
    compile=(True, False),
    log_every=ANY,
    eval_every=ANY,
    eval_windows=ANY,
    checkpoint_every=ANY,
    snapshots=(True, False),
    track=("none", "tensorboard", "trackio", "wandb"),
)


def refusal(config: RunConfig, started: Record) -> str | None:
    """None where the script can be this run, else a sentence that says why not.

    `started` is what the journal says of the beginning.
    """
    unknown = supports.refusal(config.model) or supports_training.refusal(config.training)
    if unknown is not None:
        return unknown
    processes = started.get("processes") or 1
    if processes > 1:
        return f"This run trained on {processes} processes, the script is one: take another format."
    if started.get("precision") == "fp16":
        return (
            "This run trained in fp16 with scaled gradients, which the script does not have: take "
            "another format."
        )
    return None


def write_script_folder(run: RunFolder, corpora: Path, folder: Path) -> None:
    """Writes the script and what it reads; raises `BadInput` where it cannot be this run."""
    config = run.config()
    started = _started(run)
    reason = refusal(config, started)
    if reason is not None:
        raise BadInput(reason, field="as")
    corpus = reopen_corpus(config.data, corpora, str(run.about().get("fingerprint")))
    if corpus is None:
        raise UnusableRun(
            "The text of this run is not kept any more: evaluate the run once, which prepares it "
            "anew, or take another format."
        )
    if len(corpus.train) > LARGEST_TEXT:
        raise BadInput(
            f"The text has {len(corpus.train):,} tokens, and the script reads {LARGEST_TEXT:,} at "
            "most: take another format.",
            field="as",
        )
    values = script_values(config, corpus, run, started)
    _write_text(corpus, folder)
    _write_windows(config, corpus, values["total_steps"], folder / "windows.txt")
    script = fill(TEMPLATE.read_text(encoding="utf-8"), values)
    (folder / "train.py").write_text(script, encoding="utf-8")


def script_values(
    config: RunConfig, corpus: Corpus, run: RunFolder, started: Record
) -> dict[str, Any]:
    """What the template needs to know."""
    model, training = config.model, config.training
    per_step = training.batch_size * training.grad_accumulation_steps
    total = schedule.total_steps(len(corpus.train), per_step * model.block_size, training)
    ending = training.min_lr_ratio
    return {
        "title": " ".join(config.name.replace("\\", "/").replace('"', "'").split()),
        "first_losses": "".join(f"    {line}\n" for line in _first_losses(config, run)),
        "compared": _compared(started),
        **model.model_dump(),
        "mlp_width": model.mlp_width,
        "norm_bias": "" if model.bias else ", bias=False",
        "separate_heads": model.attention == "separate_heads",
        "tied": model.tie_embeddings,
        "batch_size": training.batch_size,
        "accumulation": training.grad_accumulation_steps,
        "total_steps": total,
        "warmup_steps": schedule.warmup_length(total, training),
        "scheduler": training.lr_scheduler,
        "min_lr_ratio": ending,
        "lr_range": 1 - ending,
        "muon": training.optimizer == "muon",
        **{
            name: getattr(training, name)
            for name in ("learning_rate", "muon_learning_rate", "weight_decay", "beta1", "beta2")
        },
        "grad_clip": training.grad_clip,
        "seed": training.seed,
        "characters": corpus.tokenizer.alphabet is not None,
        "vocab_size": corpus.vocab_size,
        "documents": not training.cross_documents,
        "mark": corpus.boundary(crossed=training.cross_documents),
        "temperature": max(0.1, config.generation.temperature),
    }


def _started(run: RunFolder) -> Record:
    for record in run.records():
        if record.get("type") == "RunStarted":
            return sound(record)
    raise UnusableRun("This run has not begun yet: wait for its first step.")


def _first_losses(config: RunConfig, run: RunFolder) -> list[str]:
    """The losses of single steps that the journal has; others are means of several."""
    logged = (
        f"step {record['step']} loss {record['loss']:.7f}"
        for record in map(sound, run.records())
        if record.get("type") == "StepLogged"
        and isinstance(record.get("loss"), float)
        and (config.training.log_every == 1 or record.get("step") == 1)
    )
    return list(islice(logged, SHOWN_LOSSES))


def _compared(started: Record) -> str:
    if started.get("precision") == "fp32" and started.get("device") == "cpu":
        return (
            "On a CPU this file prints the same losses, to about the fifth place behind the point."
        )
    return (
        f"The run computed in {started.get('precision')} on {started.get('device')}; this file "
        "computes in fp32, so its\nlosses differ a little."
    )


def _write_text(corpus: Corpus, folder: Path) -> None:
    """The training part as text, once it is sure that it gives the tokens of the run again."""
    text = "".join(corpus.tokenizer.decode_in_pieces(corpus.train))
    (folder / "train.txt").write_bytes(text.encode("utf-8"))
    corpus.tokenizer.save(folder)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink()
    backend = Backend.from_file(str(folder / "tokenizer.json"))
    if corpus.tokenizer.alphabet is not None:
        tokens = corpus.tokenizer.encode_array(text)
    else:
        ids = backend.encode(text, add_special_tokens=False).ids
        tokens = np.array(ids, corpus.train.dtype)
    if not np.array_equal(tokens, corpus.train):
        raise BadInput(
            "This text has stretches that give other tokens when it is read in one piece, as a "
            "script would: take another format.",
            field="as",
        )


def _write_windows(config: RunConfig, corpus: Corpus, steps: int, file: Path) -> None:
    """Writes a line for each step: the starts of its windows, and lengths where they differ."""
    training = config.training
    per_step = training.batch_size * training.grad_accumulation_steps
    if steps * per_step > MOST_SEQUENCES:
        raise BadInput(
            f"The run reads {steps * per_step:,} windows, and a script lists {MOST_SEQUENCES:,} at "
            "most: take another format.",
            field="as",
        )
    mark = corpus.boundary(crossed=training.cross_documents)
    sampler = make_sampler(corpus.train, config.model.block_size, training.seed, mark)

    def lines() -> Iterator[str]:
        for step in range(steps):
            numbers = range(step * per_step, (step + 1) * per_step)
            places = (sampler.place(number) for number in numbers)
            cells = (f"{start}:{length}" if mark is not None else f"{start}"
                     for start, length in places)  # fmt: skip
            yield " ".join(cells) + "\n"

    with file.open("w", encoding="ascii") as out:
        out.writelines(lines())
