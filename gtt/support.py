"""Which models a part of GTT can do that computes, draws or counts one in a way of its own.

`gtt/model/gpt.py` is the model. What runs in place of its forward pass, or tells beside it what it
does, was written for certain settings. Such a part names each of them with the values it knows:

    supports = Support("The drawing does not know model.{}.", n_layers=ANY, bias=(True, False), …)

A setting that is not named is not known, whatever its value, so that a new switch on the model
cannot be skipped in silence: a fast path leaves such a model to the model's own code, every other
part refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gtt.errors import BadInput
from gtt.settings import Settings

ANY = None  # every value that the field takes; for numbers that a part computes with
Values = Collection[object] | None


class Support:
    """The settings of one group that a part knows, each with its values.

    `sentence` is what a person is told of another; `{}` in it stands for the setting's name and
    value.
    """

    def __init__(self, sentence: str, **supported: Values) -> None:
        self.sentence = sentence
        self.supported: Mapping[str, Values] = supported

    def __call__(self, config: object) -> bool:
        """Whether every setting of the group is known with the value that it has."""
        return isinstance(config, Settings) and self.unknown(config) is None

    def unknown(self, config: Settings) -> str | None:
        """The first setting that is not known, as `name value`."""
        for name in type(config).model_fields:
            value = getattr(config, name)
            if name not in self.supported or not _is_among(value, self.supported[name]):
                return f"{name} {value!r}"
        return None

    def refusal(self, config: Settings) -> str | None:
        """What a person is told of a configuration that is not known."""
        unknown = self.unknown(config)
        return None if unknown is None else self.sentence.format(unknown)

    def require(self, config: Settings, field: str | None = None) -> None:
        """Raises `BadInput` for a configuration that is not known."""
        refusal = self.refusal(config)
        if refusal is not None:
            raise BadInput(refusal, field=field)


def _is_among(value: object, values: Values) -> bool:
    return values is None or any(
        value == supported_value and type(value) is type(supported_value)
        for supported_value in values
    )
