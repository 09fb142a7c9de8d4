"""The terminal: `python -m gtt COMMAND`. Heavy libraries load in the command that needs them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, get_args

from gtt import __version__
from gtt.console import json_line, write_anything
from gtt.errors import BadInput, GTTError
from gtt.exports.formats import FORMATS, WeightsName, format_named
from gtt.jobs_terminal import (
    add_job_options,
    add_jobs_command,
    refuse_job_options,
    train_on_hub,
)
from gtt.launch import is_main_process, leave, start_all_processes, terminated_as_interrupted

OK, FAILED, BAD_INPUT = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns 0, 1 for a failed or interrupted one, or 2 for unusable input."""
    write_anything()
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        from gtt.runs.home import Home

        Home.from_environment().keep_caches()
        code: int = options.command(options)
        return code
    except GTTError as error:
        if is_main_process():  # the others refuse the same
            print(f"gtt: {' '.join(str(error).split())}", file=sys.stderr)
        return leave(BAD_INPUT)
    except BrokenPipeError:  # whoever read our output has gone: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        if is_main_process():
            print("gtt: interrupted.", file=sys.stderr)
        return leave(FAILED)


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="gtt", description="Train a small GPT from scratch and watch it learn."
    )
    parser.add_argument("--version", action="version", version=f"gtt {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a new model in the foreground")
    train.add_argument(
        "--recipe",
        default="quickstart",
        help="a recipe's name, or a .yaml file (default: quickstart)",
    )
    train.add_argument("--data", metavar="SOURCE", help="a source, file or owner/name on the Hub")
    _add_training_options(train)
    train.add_argument("--out", type=Path, metavar="DIR", help="the run folder (new or empty)")
    add_job_options(train)
    train.set_defaults(command=train_command)

    resume = commands.add_parser("resume", help="go on with a run from its last checkpoint")
    resume.add_argument("run_dir", type=Path)
    _add_training_options(resume)
    resume.set_defaults(command=resume_command)

    stop = commands.add_parser("stop", help="end a run that was started from the page, saved")
    stop.add_argument("run_dir", type=Path, nargs="*", help="default: every one that is at work")
    stop.set_defaults(command=stop_command)

    evaluate = commands.add_parser("evaluate", help="measure a run on its whole validation part")
    evaluate.add_argument("run_dir", type=Path)
    _add_checkpoint_option(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(command=evaluate_command)

    generate = commands.add_parser("generate", help="write with a trained model")
    generate.add_argument("run_dir", type=Path)
    _add_checkpoint_option(generate)
    generate.add_argument("--prompt", help="text to go on from")
    generate.add_argument("--max-new-tokens", metavar="N")
    generate.add_argument("--temperature", metavar="X", help="0 takes the likeliest token")
    generate.add_argument("--top-k", metavar="K")
    generate.add_argument("--top-p", metavar="P")
    generate.add_argument("--repetition-penalty", metavar="X", help="above 1 repeats less")
    generate.add_argument("--num-beams", metavar="N", help="above 1 searches instead of drawing")
    generate.add_argument("--seed", metavar="N")
    generate.add_argument("--stop", action="append", metavar="TEXT", help="end before this text")
    generate.set_defaults(command=generate_command)

    export = commands.add_parser("export", help="take a run home in one of several formats")
    export.add_argument("run_dir", type=Path)
    export.add_argument(
        "out", type=Path, help="a new file, whose ending may be left out, or a new folder"
    )
    export.add_argument(
        "--as",
        dest="form",
        default="transformers",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: transformers)",
    )
    export.add_argument(
        "--weights",
        default="auto",
        choices=get_args(WeightsName),
        help="of a pocket model: fp16, or int8, half as large (default: fp16 while that fits)",
    )
    _add_checkpoint_option(export)
    export.set_defaults(command=export_command)

    push = commands.add_parser("push", help="publish a model on the Hugging Face Hub")
    push.add_argument("run_dir", type=Path)
    push.add_argument("repo", metavar="USER/NAME", help="where it shall go on the Hub")
    push.add_argument("--private", action="store_true", help="only you can see it")
    push.add_argument(
        "--as",
        dest="form",
        default="transformers",
        choices=("transformers", "pocket"),
        help="the model (default), or the pocket model as a static Space, one page for everybody",
    )
    push.set_defaults(command=push_command)

    add_jobs_command(commands)

    recipes = commands.add_parser("recipes", help="list the recipes")
    recipes.add_argument("--json", action="store_true")
    recipes.set_defaults(command=recipes_command)

    datasets = commands.add_parser("datasets", help="list the sources of text")
    datasets.add_argument("--json", action="store_true")
    datasets.set_defaults(command=datasets_command)

    settings = commands.add_parser("settings", help="list every setting that --set takes")
    settings.add_argument("group", nargs="?", help="data, model, training or generation")
    settings.set_defaults(command=settings_command)

    bench = commands.add_parser("bench", help="measure training speed on this machine")
    bench.add_argument("--recipe", action="append", metavar="NAME", help="default: the three sizes")
    bench.add_argument("--steps", type=int, default=10, help="steps per measurement")
    bench.add_argument("--rounds", type=int, default=3, help="alternating rounds")
    bench.add_argument("--json", action="store_true")
    bench.set_defaults(command=bench_command)
    return parser


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="GROUP.NAME=VALUE",
        dest="assignments",
        help="change one setting, e.g. training.max_steps=200; may be repeated",
    )
    parser.add_argument(
        "--track",
        action="append",
        type="training.track={}".format,
        metavar="NAME",
        dest="assignments",
        help="also tell a tracker: tensorboard, trackio or wandb; short for training.track",
    )
    parser.add_argument("--json", action="store_true", help="print each event as a JSON line")


def _add_checkpoint_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        default="best",
        metavar="WHICH",
        help="best (default), latest, or a step that is kept",
    )


def train_command(options: argparse.Namespace) -> int:
    """`train`: a recipe, changed by --data and --set, in a new run folder."""
    from gtt.recipes import load_recipe
    from gtt.runs.naming import name_for

    config = load_recipe(options.recipe).config
    if options.data is not None:
        config = config.updated({"data": {"source": _source(options.data), "column": None}})
    config = config.with_assignments(options.assignments)
    if options.on is not None:
        return train_on_hub(config, name_for(config), options)
    refuse_job_options(options)

    def start(watcher: Any, home: Any) -> Any:
        from gtt.runs.execute import start_run

        return start_run(config, home, options.out, watcher=watcher)

    return _train(options, name_for(config), start)


def _source(source: str) -> str:
    """What --data names: a file by its absolute path, since a run may be resumed from elsewhere."""
    from gtt.data.sources import SOURCES, is_there, local_path

    if not source.strip():
        raise BadInput(
            "--data names no source: give one of those that `python -m gtt datasets` lists, a file "
            "or owner/name on the Hub.",
            field="data.source",
        )
    path = local_path(source)
    return str(path.absolute()) if source not in SOURCES and is_there(path) else source


def resume_command(options: argparse.Namespace) -> int:
    """`resume`: the run in a folder, from its newest resumable checkpoint."""

    def start(watcher: Any, home: Any) -> Any:
        from gtt.runs.execute import resume_run

        return resume_run(
            options.run_dir,
            home,
            assignments=options.assignments,
            watcher=watcher,
        )

    return _train(options, options.run_dir.name, start)


def _train(options: argparse.Namespace, name: str, start: Any) -> int:
    """Carries out a run under a display; the run folder is the last thing printed."""
    from gtt.display import JsonDisplay, QuietDisplay, TerminalDisplay

    start_all_processes()

    display: Any = QuietDisplay()
    if is_main_process():
        display = JsonDisplay() if options.json else TerminalDisplay(name)
    with terminated_as_interrupted(), display:
        from gtt.runs.home import Home

        folder, end = start(display.watcher(), Home.from_environment())
    if is_main_process():
        display.finish(folder, end)
    return leave(FAILED if end.reason in ("failed", "diverged") else OK)


def stop_command(options: argparse.Namespace) -> int:
    """`stop`: ends runs that train in the background, each after its step and with a checkpoint."""
    from gtt.runs.home import Home
    from gtt.runs.stopping import runs_at_work, stop_worker

    folders = options.run_dir or runs_at_work(Home.from_environment())
    for folder in folders:
        print(f"{folder}: {stop_worker(folder)}", flush=True)
    if not folders:
        print("No run is at work.")
    return OK


def evaluate_command(options: argparse.Namespace) -> int:
    """`evaluate`: the loss over the whole validation part, beside the baselines."""
    from gtt.runs.home import Home
    from gtt.runs.inspect import evaluate_run

    result = evaluate_run(options.run_dir, Home.from_environment(), options.checkpoint)
    if options.json:
        print(json_line(result))
        return OK
    print(f"validation loss  {result['validation_loss']:.4f} nats per token")
    print(f"perplexity       {result['perplexity']:.3f}")
    print(f"bits per byte    {result['bits_per_byte']:.4f}")
    print(f"tokens           {result['tokens']:,}")
    if result["task_score"] is not None:
        print(f"task score       {result['task_score']:.1%}")
    for name, value in result["baselines"].items():
        if value is not None:
            print(f"{name:<16} {value:.4f}")
    return OK


def generate_command(options: argparse.Namespace) -> int:
    """`generate`: the prompt and its continuation, as it is drawn."""
    from gtt.runs.inspect import generate_from_run

    options_given = {
        "prompt": options.prompt,
        "max_new_tokens": options.max_new_tokens,
        "temperature": options.temperature,
        "top_k": options.top_k,
        "top_p": options.top_p,
        "repetition_penalty": options.repetition_penalty,
        "num_beams": options.num_beams,
        "seed": options.seed,
        "stop": options.stop,
    }
    changes = {name: value for name, value in options_given.items() if value is not None}
    from gtt.display import printable

    show = printable if sys.stdout.isatty() else str
    for piece in generate_from_run(options.run_dir, changes, options.checkpoint):
        print(show(piece), end="", flush=True)
    print()
    return OK


def export_command(options: argparse.Namespace) -> int:
    """`export`: a run in one of the formats of `gtt.exports`."""
    form = format_named(options.form)
    from gtt.exports.making import RunToExport, export
    from gtt.runs.folder import RunFolder
    from gtt.runs.home import Home
    from gtt.runs.inspect import checkpoint_of

    checkpoint = checkpoint_of(options.run_dir, options.checkpoint) if form.is_of_model else None
    corpora = Home.from_environment().corpora
    exported = RunToExport(RunFolder(options.run_dir), checkpoint, corpora, options.weights)
    out = form.named(options.out)
    export(exported, form, out)
    print(out)
    return OK


def push_command(options: argparse.Namespace) -> int:
    """`push`: the best checkpoint to the Hub, by the login of this computer."""
    from gtt.hub.push_start import own_token, start_push
    from gtt.hub.qr import qr_letters
    from gtt.push_display import PushDisplay
    from gtt.runs.folder import RunFolder
    from gtt.runs.home import Home

    RunFolder(options.run_dir).about()
    started = start_push(
        options.run_dir,
        Home.from_environment(),
        options.repo,
        private=options.private,
        token=own_token(),
        form=options.form,
    )
    with PushDisplay() as display:
        try:
            state = display.follow(started)
        except KeyboardInterrupt:
            state = started.cancel()
            if state is not None and state.is_at_work:
                print(f"gtt: {state.message}", file=sys.stderr)
                state = display.follow(started)
    if state is None or state.stage != "done":
        message = None if state is None else state.message
        print(f"gtt: {message or 'The push ended without a word: try again.'}", file=sys.stderr)
        return BAD_INPUT if state is not None and state.stage == "failed" else FAILED
    if state.url and options.form == "pocket" and sys.stderr.isatty():
        print(qr_letters(state.url), file=sys.stderr)
    print(state.url)
    return OK


def recipes_command(options: argparse.Namespace) -> int:
    """`recipes`: what each is for, and what it reached where it was measured."""
    from gtt.data.sources import SOURCES
    from gtt.recipes import load_recipes

    recipes = load_recipes()
    if options.json:
        print(json_line([recipe.model_dump(mode="json") for recipe in recipes]))
        return OK
    for recipe in recipes:
        source = SOURCES.get(recipe.config.data.source)
        needs = "" if source is None or source.offline else " (downloads its text once)"
        needs += " (needs a GPU)" if recipe.needs == "gpu" else ""
        print(f"{recipe.name}: {recipe.title}{needs}")
        print(f"    {' '.join(recipe.summary.split())}")
        print(f"    For: {' '.join(recipe.audience.split())}")
        if recipe.measured is not None:
            measured = recipe.measured
            print(
                f"    Measured: {measured.parameters:,} parameters, validation loss "
                f"{measured.validation_loss:.3f} after {measured.seconds:.0f} s "
                f"on {measured.machine}."
            )
    return OK


def datasets_command(options: argparse.Namespace) -> int:
    """`datasets`: every built-in source; any Hub dataset and any file serve as well."""

    from gtt.data.sources import describe_sources

    sources = list(describe_sources())
    if options.json:
        print(json_line([source.describe() for source in sources]))
        return OK
    for source in sources:
        where = "offline" if source.offline else "downloaded once"
        size = "" if source.megabytes is None else f", {source.megabytes:g} MB"
        print(f"{source.name}: {source.title} ({where}{size}, {source.licence})")
        print(f"    {source.description}")
    print("Also: a .txt .md .csv .tsv .json .jsonl .parquet file, or a Hub dataset as")
    print("    owner/name[:config][:split][:column]")
    return OK


def settings_command(options: argparse.Namespace) -> int:
    """`settings`: name, default, limits and what each buys and costs."""
    from gtt.config import GROUPS, describe_settings
    from gtt.explain import explain
    from gtt.settings import nearest

    if options.group is not None and options.group not in GROUPS:
        raise BadInput(nearest("group of settings", options.group, list(GROUPS)), field="group")
    for setting in describe_settings():
        if options.group not in (None, setting.group):
            continue
        takes = " | ".join(setting.choices) if setting.choices else setting.kind
        default = json.dumps(setting.default)
        unit = f", {setting.unit}" if setting.unit else ""
        print(f"{setting.key}  ({takes}, default {default}{unit})")
        print(f"    {explain(setting.concept).tip}")
    return OK


def bench_command(options: argparse.Namespace) -> int:
    """`bench`: tokens per second of each recipe here, automatic precision against fp32."""
    from gtt.bench import bench

    return bench(options.recipe, options.steps, options.rounds, as_json=options.json)
