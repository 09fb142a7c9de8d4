"""Windows that cross no document: each token is asked for once, from its own document alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtt.config import RunConfig
from gtt.data.corpus import build_corpus
from gtt.data.token_boundaries import END_OF_TEXT
from gtt.errors import InvalidSetting
from gtt.training.batches import IGNORED, DocumentSampler, document_windows
from gtt.training.events import Evaluated, StepLogged
from gtt.training.trainer import Trainer

MARK = 9


@given(st.lists(st.integers(0, MARK), min_size=2, max_size=80), st.integers(2, 12))
def test_each_token_is_asked_for_once_within_its_document(text: list[int], block: int) -> None:
    tokens = np.array(text, np.uint16)
    sampler = DocumentSampler(tokens, block, 3, MARK)
    windows = document_windows(tokens, block, MARK)
    asked = sorted(start + 1 + place for start, length in windows for place in range(length))
    assert asked == list(range(1, len(text)))
    for start, length in windows:
        assert 0 < length <= block
        assert MARK not in text[start + 1 : start + length], "only its last target ends a document"
    inputs, targets = sampler.sequences(0, sampler.windows)
    assert sorted(targets[targets != IGNORED].tolist()) == sorted(text[1:])
    assert bool((inputs[targets == IGNORED] == MARK).all())
    again = DocumentSampler(tokens, block, 3, MARK).sequences(0, sampler.windows)
    assert bool((again[0] == inputs).all())


def documents(tmp_path: Path, mark: str, **training: object) -> RunConfig:
    path = tmp_path / "stories.txt"
    path.write_text(mark.join(f"The boat passed mill {number}." for number in range(400)))
    return RunConfig.model_validate(
        {
            "data": {"source": str(path), "tokenizer": "bpe", "vocab_size": 300},
            "model": {"n_layers": 1, "n_heads": 1, "n_embed": 16, "block_size": 16},
            "training": {
                "max_steps": 40,
                "batch_size": 8,
                "learning_rate": 1e-2,
                "warmup_steps": 0,
                "log_every": 1,
                "eval_every": 40,
                **training,
            },
        }
    )


def test_a_run_learns_within_its_documents(tmp_path: Path) -> None:
    config = documents(tmp_path, END_OF_TEXT, cross_documents=False)
    corpus = build_corpus(config.data, tmp_path / "corpora")
    trainer = Trainer(config, corpus, tmp_path / "run")
    happened = list(trainer.run())
    trainer.close()
    losses = [event.loss for event in happened if isinstance(event, StepLogged)]
    assert losses[-1] < 0.6 * losses[0]
    (last,) = [event for event in happened if isinstance(event, Evaluated)][-1:]
    assert last.validation_loss < losses[0]


def test_a_text_without_marks_is_refused_with_a_way_out(tmp_path: Path) -> None:
    config = documents(tmp_path, "\n", cross_documents=False)
    corpus = build_corpus(config.data, tmp_path / "corpora")
    with pytest.raises(InvalidSetting, match="Let windows cross documents") as caught:
        Trainer(config, corpus, tmp_path / "run")
    assert caught.value.field == "training.cross_documents"
    assert caught.value.ways[0].value is True
