"""Sampling: odds by hand, cache, sliding window, stop strings, transformers' greedy text."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.tokenizers import train_bpe_tokenizer, train_char_tokenizer
from gtt.errors import BadInput
from gtt.model.export import save_model
from gtt.model.gpt import GPT
from gtt.model.sampling import (
    complete,
    evaluating,
    generate_text,
    next_token_odds,
    sample_tokens,
    seeded,
)

LETTERS = "abcdefghij\n"


def small_model(vocab_size: int = len(LETTERS), block_size: int = 16) -> GPT:
    torch.manual_seed(3)
    model = GPT(ModelConfig(n_embed=16, n_heads=2, block_size=block_size), vocab_size).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


def greedy(count: int) -> GenerationConfig:
    return GenerationConfig(temperature=0, max_new_tokens=count)


def drawn(
    model: GPT, tokens: torch.Tensor, settings: GenerationConfig, seed: int = 0
) -> torch.Tensor:
    generator = seeded(seed, torch.device("cpu"))
    return torch.stack(list(sample_tokens(model, tokens, settings, generator)), dim=1)


LOGITS = torch.tensor([0.1, 0.2, 0.3, 0.4]).log()


def test_odds_without_settings_are_the_softmax() -> None:
    assert torch.allclose(next_token_odds(LOGITS), torch.tensor([0.1, 0.2, 0.3, 0.4]))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 0}, [0, 0, 0, 1]),
        ({"temperature": 1e-30}, [0, 0, 0, 1]),
        ({"temperature": 1e-300}, [0, 0, 0, 1]),
        ({"temperature": 0.5}, [1 / 30, 4 / 30, 9 / 30, 16 / 30]),
        ({"top_k": 2}, [0, 0, 3 / 7, 4 / 7]),
        ({"top_k": 9}, [0.1, 0.2, 0.3, 0.4]),
        ({"top_p": 0.0}, [0, 0, 0, 1]),
        ({"top_p": 0.5}, [0, 0, 3 / 7, 4 / 7]),
        ({"top_p": 0.75}, [0, 2 / 9, 3 / 9, 4 / 9]),
        ({"top_k": 3, "top_p": 0.5}, [0, 0, 3 / 7, 4 / 7]),
    ],
)
def test_odds_by_hand(settings: dict[str, float], expected: list[float]) -> None:
    odds = next_token_odds(LOGITS.repeat(2, 1), **settings)  # type: ignore[arg-type]
    assert torch.allclose(odds, torch.tensor(expected, dtype=torch.float32).repeat(2, 1), atol=1e-6)


def test_draws_follow_the_odds() -> None:
    model = small_model()
    tokens = torch.zeros(4000, 1, dtype=torch.long)
    settings = GenerationConfig(max_new_tokens=1, temperature=1.3, top_k=5)
    counts = torch.bincount(drawn(model, tokens, settings)[:, 0], minlength=len(LETTERS)) / 4000
    with torch.no_grad():
        odds = next_token_odds(model(tokens[:1])[0, -1], 1.3, 5)
    assert (counts - odds).abs().max() < 0.04
    assert (counts > 0).sum() == 5


def test_greedy_text_is_that_of_transformers(tmp_path: Path) -> None:
    model = small_model(block_size=40)
    save_model(model, tmp_path, GenerationConfig(), {})
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokens = torch.tensor([[1, 5, 2], [7, 7, 0]])
    expected = theirs.generate(
        tokens,
        max_new_tokens=37,
        do_sample=False,
        pad_token_id=0,
        attention_mask=torch.ones_like(tokens),
    )
    assert torch.equal(drawn(model, tokens, greedy(37)), expected[:, 3:])


def test_the_window_slides_past_the_block() -> None:
    """Every token is the likeliest after the tokens the window then held, read without a cache."""
    model, block = small_model(block_size=16), 16
    tokens = torch.tensor([[1, 5, 2, 8, 9]])
    out = torch.cat([tokens, drawn(model, tokens, greedy(60))], dim=1)
    window = tokens
    for position in range(5, 65):
        with torch.no_grad():
            assert out[0, position] == model(window)[0, -1].argmax()
        window = out[:, position + 1 - window.shape[1] - 1 : position + 1]
        if window.shape[1] > block:
            window = window[:, -12:]


def test_a_prompt_longer_than_the_block_is_read_by_its_end() -> None:
    model = small_model(block_size=16)
    long = torch.randint(len(LETTERS), (1, 50), generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn(model, long, greedy(1)), drawn(model, long[:, -16:], greedy(1)))


def test_one_seed_gives_one_text_and_leaves_the_default_generator_alone() -> None:
    model, tokenizer = small_model(), train_char_tokenizer(LETTERS)
    settings = GenerationConfig(prompt="ab", max_new_tokens=40, seed=5)
    before = torch.get_rng_state()
    texts = {"".join(generate_text(model, tokenizer, settings)) for _ in range(2)}
    other = "".join(generate_text(model, tokenizer, settings.model_copy(update={"seed": 6})))
    assert len(texts) == 1 and other not in texts
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_is_off_while_sampling_and_the_mode_comes_back() -> None:
    torch.manual_seed(0)
    model = GPT(ModelConfig(n_embed=16, n_heads=2, block_size=16, dropout=0.5), 11).train()
    tokens = torch.tensor([[1, 2, 3]])
    first = drawn(model, tokens, greedy(10))
    assert model.training
    assert torch.equal(first, drawn(model, tokens, greedy(10)))
    with evaluating(model):
        assert not model.training
    assert model.training


def test_a_text_ends_before_its_stop_string_however_it_is_cut_into_tokens() -> None:
    model, tokenizer = small_model(), train_char_tokenizer(LETTERS)
    settings = GenerationConfig(prompt="a", max_new_tokens=200, seed=1)
    whole = "".join(generate_text(model, tokenizer, settings))
    stop = whole[30:33]
    pieces = list(
        generate_text(model, tokenizer, settings.model_copy(update={"stop": (stop, "zz")}))
    )
    assert "".join(pieces) == whole[: whole.find(stop)]
    assert stop not in "".join(pieces)


def test_unfinished_characters_are_held_back() -> None:
    tokenizer = train_bpe_tokenizer(["plain text"], 256)
    model = small_model(tokenizer.vocab_size)
    euro = tokenizer.encode("€")
    assert len(euro) == 3
    with torch.no_grad():  # a model that says the three bytes of the sign again and again
        for parameter in model.parameters():
            parameter.zero_()
        head = torch.nn.Linear(16, tokenizer.vocab_size)
        model.lm_head = head
        head.weight.zero_()
        head.bias.fill_(-100.0)
    steps = iter(euro * 3)

    def forced(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        output = torch.full_like(output, -100.0)
        output[..., next(steps)] = 0.0
        return output

    handle = head.register_forward_hook(forced)
    pieces = list(
        generate_text(
            model, tokenizer, GenerationConfig(prompt="x", max_new_tokens=8, temperature=0)
        )
    )
    handle.remove()
    assert pieces[:2] == ["€", "€"]
    assert "".join(pieces[:-1]) == "€€"  # what was cut in the middle comes last, as U+FFFD


@pytest.mark.parametrize(("prompt", "hint"), [("", "empty"), ("aXbY", "'X'")])
def test_a_prompt_that_cannot_be_read_is_refused_at_once(prompt: str, hint: str) -> None:
    with pytest.raises(BadInput, match=hint):
        settings = GenerationConfig().model_copy(update={"prompt": prompt})
        generate_text(small_model(), train_char_tokenizer(LETTERS), settings)


def test_many_prompts_are_completed_as_each_alone() -> None:
    model, tokenizer = small_model(), train_char_tokenizer(LETTERS)
    prompts = ["a", "bcd", "e", "fgh", "a"]
    settings = greedy(12).model_copy(update={"stop": ("\n",)})
    together = complete(model, tokenizer, prompts, settings)
    alone = [complete(model, tokenizer, [prompt], settings)[0] for prompt in prompts]
    assert together == alone
    assert together[0] == together[4]
