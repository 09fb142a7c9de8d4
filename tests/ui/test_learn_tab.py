"""Lessons in a real browser, with real training: predict, do, see, explain."""

from __future__ import annotations

import re

import pytest
from browsing import CHROMIUM, Watched, open_tab, shoot
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Server
from thorough import THOROUGH

from gtt.teaching.lesson import Lesson, Step, lesson_of, lessons

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TRAINING = 300_000  # milliseconds, on a machine that is busy with other tests
WALKED = sorted(lessons()) if THOROUGH else ["noise_to_words"]


def learn(page: Page, selector: str = "") -> Locator:
    return page.locator(f"#learn {selector}")


def button(page: Page, name: str) -> Locator:
    return learn(page).get_by_role("button", name=name, exact=True)


def predict(page: Page, step: Step, *, rightly: bool) -> None:
    """Answers the question of a step, by keyboard."""
    assert step.predict is not None
    if step.predict.kind == "choice":
        options = [option.right for option in step.predict.options]
        learn(page, "fieldset input").nth(options.index(rightly)).press("Space")
    elif step.predict.kind == "number":
        learn(page, "fieldset input").fill(str(step.predict.high))
    button(page, "That is my guess").press("Enter")
    expect(learn(page, ".mark")).to_be_visible()


def walk(page: Page, lesson: Lesson) -> None:
    """Takes a lesson from its first step to its last."""
    for number, step in enumerate(lesson.steps):
        expect(learn(page, "article h3:visible")).to_have_text(step.title)
        if step.predict is not None:
            expect(learn(page, ".explain")).to_be_hidden()
            predict(page, step, rightly=number % 2 == 0)
        if step.start is not None:
            button(page, step.start.label).press("Enter")
        expect(learn(page, ".next button")).to_be_visible(timeout=TRAINING)
        if step.show is not None and step.show.kind == "writing":
            way = step.show.ways[0].label
            button(page, way).press("Enter")
            expect(button(page, way)).to_be_enabled()
            expect(learn(page, ".samples p").first).to_contain_text(step.show.prompt + " ")
        expect(learn(page, ".explain")).to_be_visible()
        expect(learn(page, ".explain")).not_to_contain_text("–")
        learn(page, ".next button").press("Enter")
    expect(learn(page, ".finished")).to_be_visible()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WALKED)
def test_a_lesson_is_taken_from_start_to_end(server: Server, browser: Browser, name: str) -> None:
    lesson = lesson_of(name)
    watched = Watched(browser, server.url)
    page = watched.go_to(f"{server.url}/?tab=learn")
    expect(learn(page, ".cards article")).to_have_count(len(lessons()))
    button(page, f"Begin: {lesson.title}").press("Enter")
    walk(page, lesson)
    shoot(page, f"lesson-{name}")
    button(page, "All lessons").press("Enter")
    button(page, "Show what I predicted and reached").press("Enter")
    questions = [step.predict for step in lesson.steps if step.predict is not None]
    expect(learn(page, "table tbody tr")).to_have_count(
        len(questions) + len([step for step in lesson.steps if step.start is not None])
    )
    watched.require_calm()


def test_a_lesson_that_was_left_goes_on_where_it_was(server: Server, browser: Browser) -> None:
    server.clear_desk()
    lesson = lesson_of("what_the_loss_means")
    watched = Watched(browser, server.url)
    page = watched.go_to(f"{server.url}/?tab=learn")
    button(page, f"Begin: {lesson.title}").press("Enter")
    learn(page, "fieldset input").fill("99")
    button(page, "That is my guess").press("Enter")
    expect(learn(page, ".predict [role=status]")).to_have_text("Give a number from 0 to 10.")
    learn(page, "fieldset input").fill("4.2")
    button(page, "That is my guess").press("Enter")
    expect(learn(page, ".mark")).to_contain_text("Right.")
    learn(page, ".next button").press("Enter")

    strip = page.locator("#lesson-strip section")
    expect(strip).to_be_hidden()
    open_tab(page, "Training")
    expect(strip).to_contain_text(
        re.compile("What the loss means.*step 2 of 5.*asks what you expect")
    )
    page.reload()
    expect(strip).to_contain_text("step 2 of 5")
    strip.get_by_role("button").press("Enter")
    expect(learn(page, "article h3:visible")).to_have_text(lesson.steps[1].title)
    learn(page, ".steps button").first.press("Enter")
    expect(learn(page, ".mark")).to_contain_text("Right.")
    button(page, f"Next: {lesson.steps[1].title}").press("Enter")
    expect(learn(page, "fieldset")).to_be_visible()

    button(page, "Take it again from the beginning").press("Enter")
    expect(learn(page, "article h3:visible")).to_have_text(lesson.steps[0].title)
    expect(learn(page, "fieldset")).to_be_visible()
    button(page, "All lessons").press("Enter")
    expect(button(page, f"Begin: {lesson.title}")).to_be_visible()
    watched.require_calm()


def test_a_narrow_page_holds_a_lesson(server: Server, browser: Browser) -> None:
    watched = Watched(browser, server.url, width=390)
    page = watched.go_to(f"{server.url}/?tab=learn")
    button(page, f"Begin: {lesson_of('tokens').title}").press("Enter")
    expect(button(page, "Train on characters")).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} pixels wide"
    shoot(page, "lesson-narrow")
    watched.require_calm()
