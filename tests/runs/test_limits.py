"""Limits: two sets of defaults, one variable each, and sentences for what cannot be used."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from gtt.errors import BadInput, InvalidSetting
from gtt.runs.limits import Limits, describe_limits, is_on_space, run_bytes


def test_at_home_nearly_everything_is_allowed() -> None:
    limits = Limits.from_environment({})
    assert limits == Limits()
    assert limits.shared_desk
    assert limits.max_steps is limits.max_runs_per_workspace is limits.run_ttl_hours is None
    assert limits.upload_bytes == 200_000_000
    assert limits.workspace_bytes is limits.disk_bytes is None


@pytest.mark.parametrize(
    "environ", [{"SPACE_ID": "a/b"}, {"SPACE_HOST": "a-b.hf.space"}, {"GTT_MAX_MINUTES": "10"}]
)
def test_a_space_or_one_limit_brings_the_defaults_for_strangers(environ: dict[str, str]) -> None:
    limits = Limits.from_environment(environ)
    assert limits == Limits.for_space()
    assert not limits.shared_desk
    assert (limits.max_runs_per_workspace, limits.max_waiting_runs) == (20, 40)
    assert (limits.max_waiting_per_workspace, limits.max_steps) == (2, 5000)
    assert (limits.max_minutes, limits.max_parameters) == (10, 20_000_000)
    assert (limits.upload_bytes, limits.workspace_bytes) == (20_000_000, 1_000_000_000)
    assert (limits.run_ttl_hours, limits.workspace_ttl_hours) == (48, 72)


def test_a_desk_of_strangers_has_room_for_the_largest_model() -> None:
    limits = Limits.for_space()
    assert limits.max_parameters is not None and limits.workspace_bytes is not None
    assert run_bytes(limits.max_parameters) < 0.8 * limits.workspace_bytes


def test_the_caller_may_say_where_it_runs() -> None:
    assert Limits.from_environment({"SPACE_ID": "a/b"}, on_space=False).shared_desk
    assert not Limits.from_environment({}, on_space=True).shared_desk
    assert is_on_space({"SPACE_ID": "a/b"})
    assert not is_on_space({"SPACE_ID": ""})


def test_variables_are_read() -> None:
    limits = Limits.from_environment(
        {
            "GTT_MAX_STEPS": "none",
            "GTT_MAX_UPLOAD_MB": "0.5",
            "GTT_MAX_CONCURRENT_RUNS": " 3 ",
            "GTT_SHARED_DESK": "yes",
            "GTT_ALLOW_HUB": "false",
            "GTT_ALLOWED_HOSTS": "gpt.school.example, *.course.example,",
            "GTT_MAX_MINUTES": "",
        }
    )
    assert limits.max_steps is None
    assert limits.upload_bytes == 500_000
    assert limits.max_concurrent_runs == 3
    assert limits.shared_desk and not limits.allow_hub
    assert limits.allowed_hosts == ("gpt.school.example", "*.course.example")
    assert limits.max_minutes == 10


def test_an_age_alone_does_not_part_the_desks() -> None:
    limits = Limits.from_environment({"GTT_RUN_TTL_HOURS": "24"})
    assert limits.shared_desk and limits.run_ttl_hours == 24 and limits.max_steps is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GTT_MAX_STEPS", "many"),
        ("GTT_MAX_STEPS", "-1"),
        ("GTT_MAX_STEPS", "1.5"),
        ("GTT_MAX_MINUTES", "nan"),
        ("GTT_MAX_MINUTES", "inf"),
        ("GTT_MAX_UPLOAD_MB", "none"),
        ("GTT_MAX_UPLOAD_MB", "0"),
        ("GTT_ALLOW_HUB", "perhaps"),
        ("GTT_WORKSPACE_TTL_HOURS", "0"),
        ("GTT_ALLOWED_HOSTS", "*"),
        ("GTT_ALLOWED_HOSTS", "gpt school"),
        ("GTT_ALLOWED_HOSTS", "https://"),
    ],
)
def test_a_bad_value_is_named_with_its_variable(variable: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        Limits.from_environment({variable: value})
    assert caught.value.field == variable
    assert caught.value.message.startswith(f"{variable}: {value!r}")
    assert not re.search("integer|string|pars|boolean|float", caught.value.message)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("https://gpt.school.example/gtt/", "gpt.school.example"),
        ("GPT.school.example:8443", "gpt.school.example"),
        ("http://*.school.example", "*.school.example"),
        ("http://[2001:db8::7]:7860", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("raspberry", "raspberry"),
    ],
)
def test_a_host_may_be_given_as_the_address_line_shows_it(given: str, name: str) -> None:
    assert Limits.from_environment({"GTT_ALLOWED_HOSTS": given}).allowed_hosts == (name,)


def test_a_misspelt_limit_does_not_leave_the_server_open() -> None:
    with pytest.raises(BadInput, match="did you mean 'GTT_MAX_STEPS'"):
        Limits.from_environment({"GTT_MAX_STEP": "100"})


def test_every_limit_describes_itself_and_its_defaults_are_valid() -> None:
    described = list(describe_limits())
    assert [limit.name for limit in described] == list(Limits.model_fields)
    assert all(limit.title and limit.description.endswith(".") for limit in described)
    assert described[0].variable == "GTT_MAX_CONCURRENT_RUNS"
    home, space = Limits(), Limits.for_space()
    for limit in described:
        assert getattr(home, limit.name) == limit.on_laptop
        assert getattr(space, limit.name) == limit.on_space
    with pytest.raises(InvalidSetting):
        Limits.for_space(max_steps=0)


def test_desks_and_limits_are_read_without_torch_and_gradio() -> None:
    code = (
        "import sys, gtt.api.workspaces, gtt.api.rates, gtt.api.guard, gtt.runs.limits; "
        "print([m for m in ('torch', 'gradio', 'pyarrow', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
