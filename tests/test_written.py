"""Nothing that the README and the docs tell a person to type is refused for how it is written.

Read by the parsers themselves, without starting anything; what of it is started stands in
`test_commands.py`, `test_deploy.py` and `test_api_docs.py`.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from written import OF_OURS, PAGES, VARIABLE, Command, Wrong, all_commands, check, check_variables
from written import commands_of as commands_in

COMMANDS = all_commands()
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
# Of the image, which test_deploy.py reads; of our tests; what is told of as refused.
ELSEWHERE = {"BASE", "TORCH_BACKEND", "GTT_THOROUGH", "WORLD_SIZE", "GTT_MAX_"}


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_written_as_its_parser_reads_it(command: Command) -> None:
    check(command)


def test_every_kind_of_command_is_found() -> None:
    starts = {" ".join(command.words[:1]) for command in COMMANDS}
    assert starts >= {"python", "pip", "accelerate", "torchrun", ".venv/bin/python"}
    assert sum(command.words[1].startswith("benchmarks/") for command in COMMANDS) >= 12
    assert sum("app.py" in command.words and bool(command.variables) for command in COMMANDS) >= 5
    assert len(COMMANDS) >= 60


@pytest.mark.parametrize(
    "line",
    [
        "python -m gtt train --recipe quickstrat",
        "python -m gtt train --recpie quickstart",
        "python -m gtt train --set training.max_step=200",
        "python -m gtt generate $RUN --beams 3",
        "python -m gtt pull $RUN",
        "python -m gtt export $RUN OUT --weights int4",
        "python application.py",
        "python app.py --port 7861",
        "GTT_MAX_MINUTE=10 python app.py",
        "GTT_MAX_MINUTES=ten python app.py",
        "GTT_ALLOWED_HOSTS=gpt!example python app.py",
        "GRADIO_SERVER_PORT=80000 python app.py",
        "GRADIO_ROOT_PATH=/api python app.py",
        "GRADIO_PORT=7861 python app.py",
        "ACCELERATE_USE_DEEPSPEED=true torchrun --nnodes 2 -m gtt train --recipe beginner",
        "GTT_SHARDS=true torchrun --nproc-per-node 8 -m gtt train --recipe advanced",
        "torchrun --nodes 2 -m gtt train --recipe beginner",
        "torchrun --nproc-per-node 8 -m ggt train --recipe advanced",
        "torchrun --nproc-per-node 8 -m gtt train --reciped advanced",
        "accelerate launch --num_process 2 -m gtt train --recipe quickstart",
        "accelerate launch --multi_gpus",
        "accelerate launch --num_processes 2 -m gtt train --steps 200",
        "python benchmarks/hosts.py --turns 1",
        "python benchmarks/service.py hostil",
        "python benchmarks/inside.py generate --rounds many",
        "python benchmarks/nobody.py",
        "python benchmarks/recipes.py quickstart",
        "pip wheel -r requirement.txt -w wheels",
        "pip install --no-indexes .",
    ],
)
@pytest.mark.parametrize("page", ["```sh\n{}\n```", "Type `{}` there."], ids=["block", "sentence"])
def test_what_is_written_wrongly_is_found(line: str, page: str) -> None:
    (command,) = commands_in(page.format(line))
    assert command.line == line
    with pytest.raises(Wrong):
        check(command)


def test_lines_that_go_on_and_comments_are_read_as_a_shell_does() -> None:
    lines = ["# python app.py --no", "python -m gtt \\", "    recipes && python app.py  # so"]
    page = "\n".join(["```sh", *lines, "```"])
    assert [command.words for command in commands_in(page)] == [
        ["python", "-m", "gtt", "recipes"],
        ["python", "app.py"],
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_a_variable_that_is_named_is_one_that_is_read(page: Path) -> None:
    text = re.sub(r"```(python|js|nginx)\n.*?```", "", TEXTS[page], flags=re.S)
    for name in set(re.findall(r"\bGTT_[A-Z_]+", text)) - ELSEWHERE:
        if name not in OF_OURS:
            check_variables({name: ""})
    for span in re.findall(r"`([^`\n]+)`", text):
        for word in span.split():
            if (match := VARIABLE.fullmatch(word)) and match[1] not in ELSEWHERE:
                check_variables({match[1]: "" if "…" in match[2] else match[2]})


@pytest.mark.parametrize("line", ["GTT_MAX_MINUTE", "GTT_RUN_TTL_HOUR"])
def test_a_variable_that_nobody_reads_is_found(line: str) -> None:
    with pytest.raises(Wrong):
        check_variables({line: ""})


def rows() -> list[tuple[str, str]]:
    """Each option that a row on a command names, with an example of its value, and the command."""
    found = []
    for row in re.findall(r"^\| .*$", TEXTS[PAGES[0]], re.M):
        command = re.match(r"\| `(python -m gtt \S+[^`]*)`", row)
        if command is None:
            continue
        first = command[1].replace("[", "").replace("]", "").replace("$RUN", "RUN")
        values = {"--num-beams": "3"}
        for option in re.findall(r"(?<=`)--[a-z-]+(?: [^`]+)?(?=`)", row):
            takes = " generate " in first and " " not in option
            found.append((first, f"{option} {values.get(option, '1')}" if takes else option))
    return found


@pytest.mark.parametrize(("command", "option"), rows())
def test_an_option_in_the_row_of_a_command_is_one_of_it(command: str, option: str) -> None:
    check(Command("", {}, shlex.split(f"{command} {option}"), "README.md"))


def test_the_rows_name_many_options() -> None:
    assert len(rows()) >= 20
    for command, option in (rows()[0], rows()[-1]):
        with pytest.raises(Wrong):
            check(Command("", {}, shlex.split(f"{command} {option[:3]}wrong 1"), "README.md"))
