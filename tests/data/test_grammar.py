"""The grammar engine on toy languages small enough to list by hand."""

from __future__ import annotations

from itertools import product
from math import exp, inf, log
from random import Random

import pytest

from gtt.data.grammar import Grammar

CAST = {
    "hero": [
        {"name": "Ann", "he": "she"},
        {"name": "Eva", "he": "she"},
        {"name": "Bob", "he": "he"},
    ],
    "pet": [{"noun": "cat"}, {"noun": "dog"}],
}

TOY = {
    "tale": ["{hero.name} {did} {end}", "2* {^hero.he} {did} {end}"],
    "did": ["ran", "3* {verb} a {pet.noun}"],
    "verb": ["fed", "saw"],
    "end": ["and {^verb}", "and {hero.he} {verb} {hero.name}", "so the {pet.noun} {verb}"],
}


def toy() -> Grammar:
    return Grammar(TOY, CAST, start="tale")


def enumerate_toy() -> dict[str, float]:
    """Every text of the toy language with its probability, written out without the engine."""
    texts: dict[str, float] = {}
    verbs = ("fed", "saw")
    for hero, pet in product(CAST["hero"], CAST["pet"]):
        for opening, p in ((hero["name"], 1 / 3), (hero["he"].capitalize(), 2 / 3)):
            deeds = [("ran", 1 / 4)] + [(f"{verb} a {pet['noun']}", 3 / 8) for verb in verbs]
            for (deed, q), last in product(deeds, verbs):
                for end in (
                    f"and {last.capitalize()}",
                    f"and {hero['he']} {last} {hero['name']}",
                    f"so the {pet['noun']} {last}",
                ):
                    text = f"{opening} {deed} {end}"
                    texts[text] = texts.get(text, 0.0) + p * q / 6 / 6
    return texts


def test_probabilities_equal_the_enumeration_and_sum_to_one() -> None:
    texts, grammar = enumerate_toy(), toy()
    assert sum(texts.values()) == pytest.approx(1.0)
    for text, probability in texts.items():
        assert grammar.log_probability(text) == pytest.approx(log(probability))


def test_entropy_and_length_equal_the_enumeration() -> None:
    texts, grammar = enumerate_toy(), toy()
    assert grammar.entropy() == pytest.approx(-sum(p * log(p) for p in texts.values()), abs=1e-12)
    mean = sum(p * len(text) for text, p in texts.items())
    assert grammar.expected_length() == pytest.approx(mean, abs=1e-12)


def test_samples_are_the_language_and_carry_their_probability() -> None:
    texts, grammar, random = enumerate_toy(), toy(), Random(3)
    samples = [grammar.sample(random) for _ in range(3000)]
    assert {sample.text for sample in samples} == set(texts)
    for sample in samples:
        assert sample.log_probability == pytest.approx(log(texts[sample.text]))


def test_sampling_follows_the_seed() -> None:
    def draw(seed: int) -> list[str]:
        random = Random(seed)
        return [toy().sample(random).text for _ in range(20)]

    assert draw(5) == draw(5) != draw(6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann",
        "Ann ran and he saw Ann",  # the pronoun of somebody else
        "Ann ran and she saw Eva",  # another name
        "Ann fed a cat so the dog saw",  # another pet
        "Ann ran and Saw ",
        "Ann ran and Sa",
    ],
)
def test_a_text_outside_the_language_has_no_derivation(text: str) -> None:
    assert toy().log_probability(text) == -inf
    assert not list(toy().derivations(text))


def test_the_toy_grammar_is_structurally_unambiguous() -> None:
    assert toy().overlaps() == []
    assert all(len(list(toy().derivations(text))) == 1 for text in enumerate_toy())


def test_hidden_cast_members_are_summed_over() -> None:
    grammar = Grammar({"tale": ["{^hero.he} ran"]}, CAST, start="tale")
    assert exp(grammar.log_probability("She ran")) == pytest.approx(2 / 3)
    assert grammar.entropy() == pytest.approx(-2 / 3 * log(2 / 3) - 1 / 3 * log(1 / 3))


@pytest.mark.parametrize(
    ("rules", "cast", "text", "count"),
    [
        ({"tale": ["{a} cat", "a {b}"], "a": ["a", "the"], "b": ["cat", "dog"]}, {}, "a cat", 2),
        ({"tale": ["{a}{b}"], "a": ["x", "xy"], "b": ["yz", "z"]}, {}, "xyz", 2),
        ({"tale": ["red", "red"]}, {}, "red", 2),
        ({"tale": ["{who.name} or {who.name}", "A or {b}"], "b": ["A", "C"]}, "AB", "A or A", 2),
    ],
)
def test_an_ambiguous_grammar_is_found_out(
    rules: dict[str, list[str]], cast: str, text: str, count: int
) -> None:
    grammar = Grammar(rules, {"who": [{"name": name} for name in cast]} if cast else {}, "tale")
    assert len(list(grammar.derivations(text))) == count
    assert grammar.overlaps()


def test_forms_that_begin_one_another_are_found_out() -> None:
    cast = {"hero": [{"name": "Ann"}, {"name": "Anna"}]}
    found = Grammar({"tale": ["{hero.name}"]}, cast, start="tale").overlaps()
    assert [(overlap.first, overlap.second) for overlap in found] == [("Ann", "Anna")]


def test_probabilities_of_an_ambiguous_text_add_up() -> None:
    rules = {"tale": ["{a}{b}"], "a": ["x", "xy"], "b": ["yz", "z"]}
    grammar = Grammar(rules, {}, start="tale")
    assert exp(grammar.log_probability("xyz")) == pytest.approx(1 / 2)
    assert exp(grammar.log_probability("xz")) == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ({"tale": ["{other}"]}, "unknown"),
        ({"tale": ["{hero.shoe}"]}, "no hero.shoe"),
        ({"tale": ["x"], "spare": ["y"]}, "spare"),
        ({"tale": ["x {tale}"]}, "contains itself"),
        ({"tale": ["x {Y}"]}, "brace"),
        ({"tale": [""]}, "empty"),
    ],
)
def test_a_malformed_grammar_is_refused(rules: dict[str, list[str]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Grammar(rules, CAST, start="tale")


def test_productions_are_counted_as_written() -> None:
    assert toy().production_count() == 2 + 2 + 2 + 3 + 3 + 2


def test_capital_after_a_reference_is_left_alone() -> None:
    grammar = Grammar({"tale": ["{^a}"], "a": ["{b} b"], "b": ["x", "y"]}, {}, start="tale")
    assert {grammar.sample(Random(seed)).text for seed in range(20)} == {"X b", "Y b"}
