"""Sampling: odds by hand, cache, sliding window, stop strings, transformers' greedy text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sampling_cases
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_models import SHAPES, VOCAB, in_transformers, random_model
from transformers import AutoModelForCausalLM

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.tokenizer_training import train_bpe_tokenizer, train_char_tokenizer
from gtt.errors import BadInput
from gtt.model.export import save_model
from gtt.model.gpt import GPT
from gtt.model.growing_text import GrowingText
from gtt.model.sampling import (
    Reader,
    complete,
    continue_tokens,
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


def test_the_cases_that_the_page_is_held_to_as_well() -> None:
    """What the page makes of them is tested by `gtt/web/tests/sampling.test.js`."""
    known = json.loads(sampling_cases.FILE.read_text(encoding="utf-8"))
    right = [case.pop("odds") for case in known]
    assert known == sampling_cases.cases(), "run: python tests/model/sampling_cases.py"
    for case, odds in zip(known, right):
        found = sampling_cases.odds_of(case)
        assert found == pytest.approx(odds, abs=1e-6), case
        assert [one > 0 for one in found] == [one > 0 for one in odds], case


def test_of_equal_odds_the_first_are_kept() -> None:
    odds = next_token_odds(torch.zeros(64), top_p=0.5)  # an unstable sort would take any of them
    assert odds.nonzero().flatten().tolist() == list(range(32))


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


@given(st.text("ENé€ab", max_size=12), st.text("ENé€ab", min_size=1, max_size=4))
def test_no_part_of_a_stop_string_is_shown_however_bytes_fall(text: str, stop: str) -> None:
    tokenizer = train_bpe_tokenizer(["plain text"], 256)  # a byte, a token
    growing, shown = GrowingText(tokenizer, [stop]), ""
    for id in tokenizer.encode(text):
        shown += growing.add(id)
        assert text.split(stop)[0].startswith(shown)
        if growing.is_ended:
            break
    assert shown + growing.finish() == text.split(stop)[0]
    assert growing.is_ended == (stop in text)


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


@pytest.mark.parametrize("switches", SHAPES, ids=str)
def test_reading_token_by_token_gives_the_logits_of_the_whole(switches: dict[str, Any]) -> None:
    model, tokens = random_model(**switches), random_tokens(rows=1, length=20)
    with torch.no_grad():
        whole = model(tokens)[0]
    reader = Reader(model, tokens[:, :5])
    assert reader.decoder is not None
    for place in range(5, 20):
        assert (reader.logits()[0] - whole[place - 1]).abs().max() < 1e-4
        reader.append(tokens[:, place])


def random_tokens(rows: int = 3, length: int = 20) -> torch.Tensor:
    return torch.randint(VOCAB, (rows, length), generator=torch.Generator().manual_seed(1))


def settings_of(**values: Any) -> GenerationConfig:
    return GenerationConfig(**{"max_new_tokens": 20, "temperature": 0} | values)


def continued(model: GPT, tokens: torch.Tensor, **values: Any) -> list[int]:
    return [
        token
        for step in continue_tokens(model, tokens[0].tolist(), settings_of(**values))
        for token in step
    ]


@pytest.mark.parametrize("beams", [2, 5])
@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_beams_and_penalty_equal_those_of_transformers(
    beams: int, penalty: float, tmp_path: Path
) -> None:
    model, prompt = random_model(), random_tokens(rows=1, length=6)
    theirs = in_transformers(model, tmp_path)
    expected = theirs.generate(
        prompt,
        max_new_tokens=20,
        do_sample=False,
        num_beams=beams,
        repetition_penalty=penalty,
        pad_token_id=0,
    )
    found = continued(model, prompt, num_beams=beams, repetition_penalty=penalty)
    assert found == expected[0, 6:].tolist()
    assert found != continued(model, prompt, repetition_penalty=penalty)


def test_the_penalty_alone_equals_that_of_transformers(tmp_path: Path) -> None:
    model, prompt = random_model(), random_tokens(rows=1, length=6)
    theirs = in_transformers(model, tmp_path)
    expected = theirs.generate(
        prompt, max_new_tokens=20, do_sample=False, repetition_penalty=1.5, pad_token_id=0
    )
    found = continued(model, prompt, repetition_penalty=1.5)
    assert found == expected[0, 6:].tolist()
    assert found != continued(model, prompt)


def test_beams_find_what_greedy_choice_walks_past() -> None:
    model, prompt = random_model(), random_tokens(rows=1, length=6)

    def score(ids: list[int]) -> float:
        whole = torch.cat([prompt, torch.tensor([ids])], dim=1)
        with torch.no_grad():
            odds = model(whole).log_softmax(-1)[0, 5:-1]
        return float(odds[range(len(ids)), ids].sum())

    greedy = score(continued(model, prompt, max_new_tokens=8))
    scores = [
        score(continued(model, prompt, max_new_tokens=8, num_beams=beams)) for beams in (2, 8)
    ]
    assert scores[1] > greedy


def test_beams_go_on_past_the_block_and_keep_the_count() -> None:
    model, prompt = random_model(), random_tokens(rows=1, length=30)
    assert len(continued(model, prompt, num_beams=3, max_new_tokens=70)) == 70


def test_a_step_of_beams_reads_one_token_whether_or_not_they_agree() -> None:
    """So that whoever takes turns with others never waits for more than that."""
    model, prompt = random_model(), random_tokens(rows=1, length=6)
    settings = settings_of(num_beams=4, max_new_tokens=30)
    steps = list(continue_tokens(model, prompt[0].tolist(), settings))
    assert len(steps) == 30 and [] in steps
    assert sum(len(step) for step in steps) == 30


def test_a_diverged_model_is_told_of_by_beams_too() -> None:
    model = random_model()
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError):
        continued(model, random_tokens(rows=1), num_beams=2)
