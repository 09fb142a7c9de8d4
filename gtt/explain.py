"""The concepts that the app explains, each a file of `gtt/explanations`, read once.

A teacher adds or edits a concept without touching code. The file `explanations/dropout.md` is the
concept `dropout`; it holds a title, a tip for the tooltip, and two or three paragraphs:

    # Dropout

    > Share of activations zeroed at random: less memorising of a small text, but slower learning.

    The first paragraph, wrapped as one likes.

    The second paragraph.

A setting names its concept on its field in `gtt.config`, a metric on its field in
`gtt.training.events`. What else is shown but cannot be set, a number or a picture, names its
concept in `QUANTITIES`, a button of the page its concept in `ACTIONS`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gtt.errors import BadInput

FOLDER = Path(__file__).parent / "explanations"
TIP_LENGTH = 140
PARAGRAPHS = range(2, 4)


@dataclass(frozen=True)
class Concept:
    """One thing worth explaining. `tip` is plain text, `body` is markdown without hard breaks."""

    id: str
    title: str
    tip: str
    body: str


@dataclass(frozen=True)
class Quantity:
    """Something shown that is neither setting nor metric; `unit` is None where it has none."""

    id: str
    label: str
    unit: str | None
    concept: str


@dataclass(frozen=True)
class Action:
    """Something a button does; `concept` says more of what it is about."""

    id: str
    tip: str
    concept: str


def _table(*quantities: Quantity) -> dict[str, Quantity]:
    return {quantity.id: quantity for quantity in quantities}


QUANTITIES: dict[str, Quantity] = _table(
    Quantity("uniform_baseline", "Uniform baseline", "nats per token", "uniform_baseline"),
    Quantity("unigram_baseline", "Unigram baseline", "nats per token", "unigram_baseline"),
    Quantity("bigram_baseline", "Bigram baseline", "nats per token", "bigram_baseline"),
    Quantity("floor", "Floor", "nats per token", "floor"),
    Quantity("time_left", "Time left", "seconds", "elapsed"),
    Quantity("parameters", "Parameters", "numbers", "parameters"),
    Quantity("attention_weights", "Attention weights", "share", "attention_weights"),
    Quantity("head_habits", "Habits of a head", "share of its attention", "head_habits"),
    Quantity("induction_score", "Induction head", "share of its attention", "induction_head"),
    Quantity("head_ablation", "Switching a head off", "nats per token", "head_ablation"),
    Quantity("token_embedding", "Token embedding", None, "embedding"),
    Quantity("queries_keys_values", "Queries, keys and values", None, "query_key_value"),
    Quantity("attention_scores", "Attention scores", None, "attention_scores"),
    Quantity("causal_mask", "Causal mask", None, "causal_mask"),
    Quantity("head_output", "What a head writes", None, "attention_output"),
    Quantity("residual_stream", "Residual stream", None, "residual_stream"),
    Quantity("mlp_hidden", "Hidden layer of the MLP", None, "mlp_hidden"),
    Quantity("unembedding", "Unembedding", None, "unembedding"),
    Quantity("multiply_adds", "Multiply-adds", "per batch", "multiply_adds"),
    Quantity("activation_scale", "Activation scale", None, "activation_scale"),
    Quantity("dead_units", "Dead units", "share", "dead_units"),
    Quantity("sample", "Sample", None, "sample"),
    Quantity("checkpoint", "Checkpoint", None, "checkpoint"),
    Quantity("next_token_odds", "Odds of the next token", "probability", "next_token_odds"),
    Quantity("surprise", "Surprise", "nats", "surprise"),
    Quantity("entropy", "Entropy", "nats", "entropy"),
    Quantity("logit_lens", "Logit lens", None, "logit_lens"),
    Quantity("novel", "Copying", "share of 8-word runs that are novel", "copying"),
    Quantity("training_part", "Training part", "tokens", "training_part"),
    Quantity("characters_per_token", "Characters per token", "characters", "characters_per_token"),
    Quantity("overfitting", "Overfitting", None, "overfitting"),
    Quantity("memorising", "Memorising", None, "memorising"),
    Quantity("plateau", "Plateau", None, "plateau"),
    Quantity("divergence", "Divergence", None, "divergence"),
    Quantity("under_training", "Under-training", None, "under_training"),
)

ACTIONS: dict[str, Action] = {
    concept.id: concept
    for concept in (
        Action(
            "start",
            "Trains a new model with the settings of all tabs, also when this page is closed.",
            "max_steps",
        ),
        Action(
            "stop",
            "Ends the run that is at work after its present step. It is saved and can be resumed.",
            "checkpoint",
        ),
        Action("copy", "Whoever opens the link finds these settings in the tabs.", "seed"),
        Action(
            "stop-this",
            "Ends the run that is chosen above after its present step, saved.",
            "checkpoint",
        ),
        Action("resume", "Goes on with the chosen run from its newest checkpoint.", "checkpoint"),
        Action(
            "longer",
            "Goes on with the chosen run until it has done the steps on the left.",
            "max_steps",
        ),
        Action(
            "use",
            "Puts the settings of the chosen run into the tabs: change some, then start.",
            "max_steps",
        ),
        Action(
            "delete",
            "Takes the chosen run away. For ten minutes it can be brought back.",
            "checkpoint",
        ),
        Action("rename", "Gives the chosen run the name on the left.", "checkpoint"),
    )
}


def concepts() -> dict[str, Concept]:
    """Every concept by id, in alphabetical order.

    Raises `BadInput` where a file of the package is malformed.
    """
    return dict(_packaged_concepts())


def explain(id: str) -> Concept:
    """The concept `id`; raises `BadInput`, which names the nearest, where there is none."""
    concepts = _packaged_concepts()
    if id in concepts:
        return concepts[id]
    shortened = id[:100]  # comparing a long text would take its time
    nearest = difflib.get_close_matches(shortened, concepts, n=1, cutoff=0)[0]
    raise BadInput(
        f"There is no concept {shortened!r}: the nearest is {nearest!r}.", field="concept"
    )


def read_concepts(folder: Path) -> dict[str, Concept]:
    """The concepts of every `*.md` file in `folder`; raises `BadInput` at the first malformed."""
    concepts = {}
    for path in sorted(folder.glob("*.md")):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise _malformed(path.stem, "is not UTF-8 text: save it in that encoding") from None
        concepts[path.stem] = parse_concept(path.stem, text)
    return concepts


def parse_concept(id: str, text: str) -> Concept:
    """Reads one file: `# Title`, then `> tip` on one line, then two or three paragraphs.

    Blank lines separate the parts. The lines of a paragraph are joined, so that wrapping in the
    file does not show. Raises `BadInput` with what the file lacks.
    """
    parts = _paragraphs(text)
    if not parts or not parts[0].startswith("# ") or len(parts[0].splitlines()) > 1:
        raise _malformed(id, "must begin with a line '# Title' and a blank line after it")
    if len(parts) < 2 or not parts[1].startswith("> ") or len(parts[1].splitlines()) > 1:
        raise _malformed(id, "needs one line '> tip' after the title and a blank line after it")
    title, tip = parts[0].removeprefix("# ").strip(), parts[1].removeprefix("> ").strip()
    if len(tip) > TIP_LENGTH:
        raise _malformed(
            id, f"has a tip of {len(tip)} characters: shorten it to at most {TIP_LENGTH}"
        )
    body = parts[2:]
    if len(body) not in PARAGRAPHS:
        raise _malformed(
            id,
            f"has {len(body)} paragraph{'' if len(body) == 1 else 's'} after the tip: "
            "write two or three, with a blank line between them",
        )
    for paragraph in body:
        if paragraph.startswith(("#", ">")):
            raise _malformed(id, f"has a second title or tip in its body: {paragraph[:40]!r}")
    return Concept(id, title, tip, "\n\n".join(" ".join(part.split()) for part in body))


@cache
def _packaged_concepts() -> dict[str, Concept]:
    return read_concepts(FOLDER)


def _paragraphs(text: str) -> list[str]:
    """The blocks of text between blank lines, without the blank ones."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            blocks[-1].append(line.strip())
        else:
            blocks.append([])
    return ["\n".join(block) for block in blocks if block]


def _malformed(id: str, fault: str) -> BadInput:
    return BadInput(f"The explanation {id}.md {fault}.", field="concept")
