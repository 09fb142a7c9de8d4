"""The Training tab: the live view and what it means, my runs, settings."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import recipes, set_config
from gtt.api.endpoints.runs import (
    create_run,
    delete_run,
    read_run,
    rename_run,
    restart_run,
    restore_run,
    resume_run,
    status,
    stop_run,
)
from gtt.config import GROUPS
from gtt.errors import BadInput, GTTError
from gtt.ui.controls import controls
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of, told
from gtt.ui.downloads import download_buttons
from gtt.ui.jobs import answering, jobs_view
from gtt.ui.push import push_view
from gtt.ui.schedule import schedule_view
from gtt.ui.views import calling, view

FUNCTIONS: dict[str, Any] = {
    "create_run": create_run,
    "stop_run": stop_run,
    "resume_run": resume_run,
    "restart_run": restart_run,
    "rename_run": rename_run,
    "delete_run": delete_run,
    "restore_run": restore_run,
}
LONGER = """**Train longer** goes on with this run from where it is: same weights, same curve, more
steps. A remedy above that says **restart** begins a new run from random weights, with that one
thing changed; this run stays as it is, and both can be compared."""
FORGETS = """This Space has no volume: when it sleeps or restarts, its disk is empty again. What you
want to keep, take home."""


@dataclass(frozen=True)
class RunShown:
    """Which run the page looks at: its id in `run` (empty: the desk's current one), and the views.

    `show` takes the key and the id and gives a value for each of `views`. The button `use` asks for
    its settings in the draft. `jobs` begins a run elsewhere, where that is allowed.
    """

    desk: PageDesk
    run: gr.Textbox
    views: list[gr.HTML]
    schedule: gr.HTML
    use: gr.Button
    jobs: gr.HTML | None

    def show(self, key: str, run: str | None) -> list[dict[str, Any]]:
        """What makes every view look at a run."""
        return [{"workspace": key, "run": run or None}] * len(self.views)

    @staticmethod
    def plan(key: str) -> dict[str, Any]:
        """What makes the schedule ask anew: a value that is never the same twice."""
        return {"workspace": key, "asked": time.monotonic()}

    def after(self, event: Any) -> Any:
        """Lets the views follow once an event has set the run."""
        return event.then(self.show, [self.desk.key, self.run], self.views, **PRIVATE)

    async def act(self, what: str, key: str, run: str, **more: Any) -> tuple[str, str]:
        """One endpoint of a run: what to say, and which run to look at afterwards."""
        try:
            run = run or await self.current(key)
            if not run:
                return "There is no run yet: start one first.", ""
            answer = await self.desk.ask(what, FUNCTIONS[what], key, run_id=run, **more)
        except GTTError as error:
            return sentence_of(error), run
        return "", answer.run.id if hasattr(answer, "run") else await self.current(key)

    async def begin(self, key: str) -> str:
        """Begins a run with the draft; its id. Raises `GTTError`."""
        answer = await self.desk.ask("create_run", create_run, key)
        return str(answer.run.id)

    async def mend(self, key: str, run: str, changes: Any, stop: bool) -> str:
        """Begins a run again with changes, if asked in place of the one at work; its id.

        Raises `GTTError`.
        """
        answer = await self.desk.ask("restart_run", restart_run, key, run_id=run, config=changes)
        if stop:  # at last, so that a refused restart costs nothing
            await self.desk.ask("stop_run", stop_run, key, run_id=run)
        return str(answer.run.id)

    async def current(self, key: str) -> str:
        """The id of the desk's current run, empty where there is none."""
        answer = await self.desk.ask("status", status, key)
        return answer.run.id if answer.run is not None else ""


def training_tab(desk: PageDesk, run: gr.Textbox, progress: gr.HTML) -> RunShown:
    """Builds the tab around the field that holds the id of the run that is looked at.

    The line of `progress` above the tabs follows that run as well.
    """
    jobs = None
    if desk.service.limits.allow_hub:
        with gr.Accordion("Run it on the Hub's machines", open=False, elem_id="renting"):
            jobs = jobs_view(desk)
    live = view("live", events=("finished",), elem_id="live")
    findings = view("findings", events=("remedy",), elem_id="findings")
    with gr.Accordion("My runs", open=True):
        table = view("runs", events=("picked", "restored"), elem_id="runs")
        with gr.Row():
            halt = gr.Button("Stop and save", size="md", elem_id="stop-this", min_width=130)
            resume = gr.Button("Resume", size="md", elem_id="resume", min_width=130)
            use = gr.Button("Use its settings", size="md", elem_id="use", min_width=130)
            delete = gr.Button("Delete", size="md", elem_id="delete", min_width=130)
        with gr.Row(elem_id="changing"):
            steps = gr.Number(
                None, label="Steps in all", precision=0, elem_id="more-steps", scale=2
            )
            longer = gr.Button("Train longer", size="md", elem_id="longer", scale=1)
            name = gr.Textbox(
                label="Name of this run",
                placeholder="wider and slower",
                elem_id="run-name",
                scale=4,
                max_length=100,
            )
            rename = gr.Button("Rename", size="md", elem_id="rename", scale=1)
        gr.Markdown(LONGER, elem_id="longer-or-anew", elem_classes="gtt-hint")
    with gr.Accordion("Compare runs", open=False, elem_id="comparing"):
        view("compare", elem_id="compare")
    with gr.Accordion("Take it home", open=False, elem_id="taking"):
        downloads = download_buttons(desk)
        publishing = push_view(desk)
    if desk.service.home.forgets():
        gr.Markdown(FORGETS, elem_id="forgets", elem_classes="gtt-hint")
    with gr.Accordion("Settings of the training", open=False, elem_id="training-settings"):
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "common")
        schedule = schedule_view(desk)
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "schedule")
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "tracking")
        with gr.Accordion("More", open=False):
            desk.controls |= controls(desk.service, "more")
        most = desk.controls["training.max_steps"]
    most.change(None, most, None, js=calling("tellSteps"), api_visibility="private")
    shown = RunShown(
        desk,
        run,
        [downloads, publishing, progress, *filter(None, [jobs])],
        schedule,
        use,
        jobs,
    )
    for event in answering(desk, jobs, run) if jobs is not None else []:
        shown.after(event)

    async def picked(key: str, event: gr.EventData) -> tuple[str, Any]:
        try:
            (one,) = told(event, "run")
        except GTTError as error:
            return sentence_of(error), gr.skip()
        return "", str(one)

    async def remedied(key: str, event: gr.EventData) -> tuple[str, Any]:
        try:
            one, changes, stop = told(event, "run", "changes", "stop")
            return "", await shown.mend(key, str(one), changes, bool(stop))
        except GTTError as error:
            return sentence_of(error), gr.skip()

    async def removed(key: str, one: str) -> tuple[str, str, Any]:
        """Deletes; what the table of runs remembers for the way back."""
        try:
            one = one or await shown.current(key)
            name = (await desk.ask("read_run", read_run, key, run_id=one)).run.name
            gone = await desk.ask("delete_run", delete_run, key, run_id=one)
        except GTTError as error:
            return sentence_of(error), one, None
        left = await shown.current(key)
        return "", left, {"id": gone.deleted, "name": name, "seconds": gone.undo_seconds}

    async def brought_back(key: str, event: gr.EventData) -> tuple[str, Any]:
        try:
            (one,) = told(event, "run")
        except GTTError as error:
            return sentence_of(error), gr.skip()
        return await shown.act("restore_run", key, str(one))

    def plainly(what: str) -> Any:
        async def handler(key: str, one: str) -> tuple[str, str]:
            return await shown.act(what, key, one)

        return handler

    async def lengthened(key: str, one: str, most: Any) -> tuple[str, str]:
        if not most:
            return "Write how many steps it shall have done in all.", one
        return await shown.act("resume_run", key, one, config={"training": {"max_steps": most}})

    async def renamed(key: str, one: str, new: str) -> tuple[str, str]:
        if not new.strip():
            return "Write the new name first.", one
        return await shown.act("rename_run", key, one, name=new.strip())

    async def twice(key: str, one: str) -> Any:
        return (await about(key, one))[0]

    async def about(key: str, one: str) -> tuple[Any, Any]:
        """Twice the steps of the run that is looked at, and its name; nothing of an older one."""
        try:
            told = await desk.ask("read_run", read_run, key, run_id=one)
        except GTTError:  # there is none, or no longer
            return None, ""
        total = told.run.total_steps or told.config.training.max_steps
        return (2 * total if total else None), told.run.name

    here, says = [desk.key, run], [desk.message, run]
    run.change(about, here, [steps, name], **PRIVATE)
    live.finished(twice, here, steps, **PRIVATE)  # epochs are known in steps by then
    gone = gr.JSON(visible=False)
    shown.after(table.picked(picked, desk.key, says, **PRIVATE))
    shown.after(table.restored(brought_back, desk.key, says, **PRIVATE))
    shown.after(findings.remedy(remedied, desk.key, says, **PRIVATE))
    shown.after(halt.click(plainly("stop_run"), here, says, **PRIVATE))
    shown.after(resume.click(plainly("resume_run"), here, says, **PRIVATE))
    shown.after(longer.click(lengthened, [*here, steps], says, **PRIVATE))
    shown.after(rename.click(renamed, [*here, name], says, **PRIVATE))
    shown.after(name.submit(renamed, [*here, name], says, **PRIVATE))
    deleted = delete.click(removed, here, [*says, gone], **PRIVATE)
    deleted.then(None, gone, None, js=calling("tellDeleted"), api_visibility="private")
    shown.after(deleted)
    return shown


async def take_settings(desk: PageDesk, key: str, run: str) -> None:
    """Makes the draft what a run was trained with; raises `GTTError`."""
    if not run:
        raise BadInput("There is no run yet: start one first.")
    config = (await desk.ask("read_run", read_run, key, run_id=run)).config
    groups = {group: getattr(config, group).model_dump(mode="json") for group in GROUPS}
    known = [one.name for one in (await desk.ask("recipes", recipes, key)).recipes]
    recipe = config.name if config.name in known else None  # which gives the draft a name
    await desk.ask("set_config", set_config, key, recipe=recipe, config=groups)
