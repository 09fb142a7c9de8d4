"""The README.md of a checkpoint folder: what it is, how good, how to load it."""

from __future__ import annotations

from pathlib import Path

from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.markdown import as_text
from gtt.model.export import fits_gpt2
from gtt.training.evaluation import Measured

CARD = """\
---
library_name: transformers
pipeline_tag: text-generation
tags:
- gtt
- trained-from-scratch
---

# {name}

A decoder-only transformer with {parameters:,} parameters, trained from scratch with GTT on
{source} ({train_tokens:,} training tokens, vocabulary of {vocab_size:,}).

| | |
| --- | --- |
| steps | {step:,} |
| shape | {n_layers} layers, {n_heads} heads, {n_embed} wide, block size {block_size} |
{figures}
## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained("."{trust})
```

`gtt.json` holds every setting of the run.
"""


def write_card(
    folder: Path, config: RunConfig, corpus: Corpus, step: int, measured: Measured | None
) -> None:
    """Writes the card; `measured` is the latest evaluation, if there was one."""
    rows = []
    if measured is not None:
        rows = [
            f"| validation loss | {measured.loss:.4f} nats per token |",
            f"| perplexity | {measured.perplexity:.3f} |",
            f"| bits per byte | {measured.bits_per_byte:.4f} |",
        ]
    if corpus.baselines.floor is not None:
        rows.append(f"| entropy of the language | {corpus.baselines.floor:.4f} nats per token |")
    model = config.model
    text = CARD.format(
        name=as_text(config.name),
        parameters=model.parameter_count(corpus.vocab_size),
        source=as_text(corpus.source_title),
        train_tokens=len(corpus.train),
        vocab_size=corpus.vocab_size,
        step=step,
        n_layers=model.n_layers,
        n_heads=model.n_heads,
        n_embed=model.n_embed,
        block_size=model.block_size,
        figures="".join(f"{row}\n" for row in rows),
        trust="" if fits_gpt2(model) else ", trust_remote_code=True",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
