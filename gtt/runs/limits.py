"""Limits on what visitors may use: a field per environment variable, with two defaults.

At home (a laptop, no `GTT_MAX_*` set) nearly everything is allowed, since who sits there owns the
machine. On a Space, or as soon as one `GTT_MAX_*` is set, the defaults suit thirty strangers on
two cores. The page of limits in the documentation is printed from these fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gtt.config import DataConfig, RunConfig
from gtt.errors import BadInput, InvalidSetting
from gtt.settings import Settings, kind_of, nearest, parse

MEGABYTE = 10**6
FREE_DISK = 500 * MEGABYTE  # stays free, so that running trainings can save
BYTES_PER_PARAMETER = 32  # three exports of 4 bytes, two optimizer states of 8, room to write one

SMALLEST_VOCABULARY = 64  # of a text of letters, where the vocabulary is not known beforehand
ASSUMED_CHARACTERS = 96  # different ones in a text: those of ASCII that can be printed, and a break
VOCABULARIES = {"gpt2": 50_257, "openai-community/gpt2": 50_257}  # that need no download to know
ASSUMED_PRETRAINED = 50_000

_LIFTED = ("none", "unlimited")


def _limit(default: Any, on_space: Any, *, title: str, description: str, **rules: Any) -> Any:
    """A field with both of its defaults: `default` on a laptop, `on_space` on a Space."""
    extra = {"on_space": on_space}
    return Field(default, title=title, description=description, json_schema_extra=extra, **rules)


_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")


def _host_name(text: str) -> str:
    """The name in what a person copied from a browser's address line, `https://name:8443/gtt`.

    One that no request can ever come under is refused: with it every click would be.
    """
    name = text.strip().lower()
    name = name.split("://", 1)[-1].partition("/")[0]
    if name.startswith("["):  # IPv6
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    name = name.rstrip(".")
    if not _HOST_NAME.fullmatch(name):
        raise PydanticCustomError(
            "host_name",
            "Input should be a name such as gpt.school.example, or *.school.example for all below",
        )
    return name


HostName = Annotated[str, AfterValidator(_host_name)]


class Limits(Settings):
    """Limits of one server. None is no limit, except where the field says otherwise."""

    max_concurrent_runs: int | None = _limit(
        None,
        None,
        title="Runs at once",
        description="Runs that train at the same time; unset is one per GPU, and one on a CPU.",
        ge=1,
        le=1024,
    )
    max_runs_per_workspace: int | None = _limit(
        None,
        20,
        title="Runs per desk",
        description="Runs that may lie on one desk, finished ones included.",
        ge=1,
    )
    max_waiting_runs: int | None = _limit(
        None, 40, title="Waiting runs", description="Runs that may wait for a place, of all.", ge=0
    )
    max_waiting_per_workspace: int | None = _limit(
        None,
        2,
        title="Waiting runs per desk",
        description="Runs of one desk that may wait for a place.",
        ge=0,
    )
    max_steps: int | None = _limit(
        None, 5000, title="Steps", description="Optimizer steps of one run.", ge=1
    )
    max_minutes: float | None = _limit(
        None, 10.0, title="Minutes", description="Minutes that one run may train.", gt=0
    )
    max_parameters: int | None = _limit(
        None,
        20_000_000,
        title="Parameters",
        description="Trainable numbers of one model, tied weights counted once.",
        ge=1,
    )
    max_upload_mb: float = _limit(
        200.0,
        20.0,
        title="Upload in MB",
        description="Size of one uploaded text, in 10^6 bytes; there always is such a limit.",
        gt=0,
        le=100_000,
    )
    max_workspace_mb: float | None = _limit(
        None,
        1000.0,  # room for a model of the most parameters: see `run_bytes`
        title="Disk per desk in MB",
        description="What one desk may keep on the disk, texts and runs, in 10^6 bytes.",
        gt=0,
    )
    max_disk_mb: float | None = _limit(
        None,
        20_000.0,
        title="Disk in MB",
        description="What GTT_HOME may hold in all, in 10^6 bytes.",
        gt=0,
    )
    run_ttl_hours: float | None = _limit(
        None,
        48.0,
        title="Age of a run in hours",
        description="A run is deleted this long after its end; unset is never.",
        gt=0,
    )
    workspace_ttl_hours: float | None = _limit(
        None,
        72.0,
        title="Idle desk in hours",
        description="A desk that nobody used for so long is deleted with all on it; unset is "
        "never.",
        gt=0,
    )
    shared_desk: bool = _limit(
        True,
        False,
        title="One desk for everybody",
        description="Whether all visitors work on the same desk and see each other's runs.",
    )
    allow_hub: bool = _limit(
        True,
        True,
        title="Hugging Face Hub",
        description="Whether visitors may train on data sets of the Hub and push models to it.",
    )
    allowed_hosts: tuple[HostName, ...] = _limit(
        (),
        (),
        title="Host names",
        description="Names under which the page is served beside localhost, this machine's own "
        "and the Space's, separated by commas.",
        max_length=100,
    )

    @property
    def for_strangers(self) -> bool:
        """Whether visitors are not the server's owner: on a Space they never are."""
        return not self.shared_desk or is_on_space()

    @property
    def upload_bytes(self) -> int:
        return int(self.max_upload_mb * MEGABYTE)

    @property
    def workspace_bytes(self) -> int | None:
        return None if self.max_workspace_mb is None else int(self.max_workspace_mb * MEGABYTE)

    @property
    def disk_bytes(self) -> int | None:
        return None if self.max_disk_mb is None else int(self.max_disk_mb * MEGABYTE)

    @classmethod
    def for_space(cls, **changes: Any) -> Limits:
        """The defaults on a Space, with changes; raises `InvalidSetting`."""
        defaults = {limit.name: limit.on_space for limit in describe_limits()}
        return parse(cls, {**defaults, **changes})

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] = os.environ, on_space: bool | None = None
    ) -> Limits:
        """Reads every `GTT_…` variable of a limit; an empty value counts as unset.

        `on_space` None asks the environment. `none` lifts a limit. Raises `BadInput` that names
        the variable, also for a `GTT_MAX_…` that does not exist, so that a slip of the finger
        does not leave a server open.
        """
        given_limits = {
            limit.variable: limit for limit in describe_limits() if environ.get(limit.variable)
        }
        variables = [limit.variable for limit in describe_limits()]
        for variable in environ:
            if variable.startswith("GTT_MAX_") and variable not in variables:
                raise BadInput(nearest("variable", variable, variables), field=variable)
        is_guarded = is_on_space(environ) if on_space is None else on_space
        is_guarded = is_guarded or any(variable.startswith("GTT_MAX_") for variable in given_limits)
        values = {
            limit.name: _read(limit.name, environ[variable])
            for variable, limit in given_limits.items()
        }
        try:
            return cls.for_space(**values) if is_guarded else parse(cls, values)
        except InvalidSetting as error:
            name = (error.field or "").split(".")[0]
            variable = f"GTT_{name.upper()}"
            reason = error.message.partition(": ")[2]
            raise BadInput(
                f"{variable}: {reason} Correct it, or unset it to have the default.",
                field=variable,
            ) from None


def vocabulary_of(config: RunConfig) -> int | None:
    """Tokens in the vocabulary, where the settings alone tell."""
    return config.data.vocab_size if config.data.tokenizer == "bpe" else None


def expected_vocabulary(data: DataConfig) -> tuple[int, bool]:
    """Tokens in the vocabulary before the text was read, and whether that is only assumed."""
    if data.tokenizer == "bpe":
        return data.vocab_size, False
    if data.tokenizer == "pretrained":
        vocabulary = VOCABULARIES.get(data.pretrained_tokenizer)
        return vocabulary or ASSUMED_PRETRAINED, vocabulary is None
    return ASSUMED_CHARACTERS, True


def fewest_parameters(config: RunConfig) -> int:
    """How many parameters a model has at least, as far as the settings alone tell."""
    return config.model.parameter_count(vocabulary_of(config) or SMALLEST_VOCABULARY)


def run_bytes(parameters: int) -> int:
    """What a run of a model takes on the disk while it trains, its checkpoints before all."""
    return parameters * BYTES_PER_PARAMETER


def is_on_space(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Hugging Face Space, which sets `SPACE_ID` and `SPACE_HOST`."""
    return bool(environ.get("SPACE_ID") or environ.get("SPACE_HOST"))


@dataclass(frozen=True)
class LimitDescription:
    """One limit as the documentation prints it."""

    name: str
    title: str
    description: str
    on_laptop: Any
    on_space: Any

    @property
    def variable(self) -> str:
        """The environment variable, `GTT_MAX_STEPS`."""
        return f"GTT_{self.name.upper()}"


def describe_limits() -> Iterator[LimitDescription]:
    """Every limit in the order in which it is declared."""
    for name, field in Limits.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} was not declared with _limit()"
        yield LimitDescription(
            name=name,
            title=str(field.title),
            description=str(field.description),
            on_laptop=field.default,
            on_space=extra["on_space"],
        )


def _read(name: str, text: str) -> Any:
    """A value as an environment variable holds it; its checking is left to the field."""
    annotation = Limits.model_fields[name].annotation
    text = text.strip()
    if kind_of(annotation) == "list":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if text.lower() in _LIFTED and type(None) in get_args(annotation):
        return None
    return text
