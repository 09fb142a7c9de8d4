"""Fixes: changes of settings that mend a finding and that every configuration allows.

Limits are read from the fields of `gtt.config`, so that a fix never asks for what is refused. A
function returns None where there is nothing left to change.
"""

from __future__ import annotations

from typing import Any

from gtt.config import RunConfig, describe_settings
from gtt.data.sources import SOURCES
from gtt.interpret.findings import Fix
from gtt.interpret.measurements import Measurements

_LIMITS = {setting.key: setting.limits for setting in describe_settings()}
_MOST_MUON = 0.05  # rates of Muon, and of AdamW beside it, that small models still like
_MOST_BESIDE_MUON = 8e-3
_MOST_MEGABYTES = 20.0
_MOST_GROWTH = 10_000  # of steps at once


def lower_rate(config: RunConfig) -> Fix | None:
    """A third of the learning rate, or what suits the width if that is still less.

    With it comes what takes the edge off the first steps, where it is missing.
    """
    training = config.training
    beside = training.optimizer == "muon"
    rates = {"learning_rate": _MOST_BESIDE_MUON if beside else 2 * _usual_rate(config)}
    if beside:
        rates["muon_learning_rate"] = _MOST_MUON
    now = {name: float(getattr(training, name)) for name in rates}
    too_high = {name: most for name, most in rates.items() if now[name] > most} or rates
    changes: dict[str, Any] = {
        name: _tidy(min(now[name] / 3, most)) for name, most in too_high.items()
    }
    if training.warmup_steps < 10:
        steps = training.max_steps or 1000
        changes["warmup_steps"] = max(1, min(100, steps // 10))
    if training.grad_clip == 0:
        changes["grad_clip"] = 1.0
    model = {"norm_position": "pre"} if config.model.norm_position == "none" else {}
    with_norm = " and layer norm" if model else ""
    return _fix(config, f"{_with_rate(changes)}{with_norm}", training=changes, model=model)


def higher_rate(config: RunConfig, factor: float) -> Fix | None:
    """A learning rate up to `factor` times as high, as far as small models usually bear it."""
    training = config.training
    if training.optimizer == "muon":
        raised = {
            "muon_learning_rate": _tidy(min(_MOST_MUON, training.muon_learning_rate * factor)),
            "learning_rate": _tidy(min(_MOST_BESIDE_MUON / 2, training.learning_rate * factor)),
        }
    else:
        raised = {"learning_rate": _tidy(min(_usual_rate(config), training.learning_rate * factor))}
    changes = {name: rate for name, rate in raised.items() if rate > 1.5 * getattr(training, name)}
    if not changes:
        return None
    return _fix(config, _with_rate(changes), training=changes)


def more_steps(measured: Measurements, factor: float = 2, least: int = 1) -> Fix | None:
    """`factor` times as much training, and no fewer than `least` steps."""
    config, training = measured.config, measured.config.training
    now = measured.total_steps
    most = min(measured.most_steps or _limit("training.max_steps"), now * _MOST_GROWTH)
    steps = int(min(max(round(now * factor), least), most))
    if steps < 1.2 * now:
        return None
    changes: dict[str, Any] = {"max_steps": steps}
    if training.max_minutes is not None:
        most_minutes = measured.most_minutes or _limit("training.max_minutes")
        changes["max_minutes"] = min(_tidy(training.max_minutes * steps / now, 2), most_minutes)
    return _fix(config, f"Restart with {steps:,} steps", training=changes)


def shorter(config: RunConfig, steps: int) -> Fix | None:
    """A schedule that ends at `steps`."""
    steps = max(1, steps)
    return _fix(
        config,
        f"Restart ending at step {steps:,}",
        training={"max_steps": steps, "warmup_steps": min(config.training.warmup_steps, steps)},
    )


def against_overfitting(measured: Measurements, best_step: int) -> Fix | None:
    """More text where there is some, else a schedule that ends where the validation loss turned."""
    with_more_text = _with_more_text(measured)
    if with_more_text is not None:
        return with_more_text
    if best_step < 0.9 * measured.total_steps:
        return shorter(measured.config, best_step)
    return less_capacity(measured.config)


def against_memorising(measured: Measurements, *, turned: bool) -> Fix | None:
    """What keeps a model from reciting; where the validation loss `turned`, beside that remedy.

    Where it did not, the loss must not be worse after as many steps, and dropout slows learning.
    """
    if turned:
        return less_capacity(measured.config)
    with_more_text, longer = _with_more_text(measured), more_steps(measured)
    slower = less_capacity(measured.config)
    if with_more_text is not None or slower is None or longer is None:
        return with_more_text
    steps = longer.changes["training"]["max_steps"]
    return Fix(f"{slower.label}, {steps:,} steps", {**slower.changes, **longer.changes})


def less_capacity(config: RunConfig) -> Fix | None:
    """A tenth more dropout up to 0.3, then a smaller model."""
    dropout = config.model.dropout
    if dropout <= 0.2:
        raised = round(dropout + 0.1, 2)
        return _fix(config, f"Restart with dropout {raised:g}", model={"dropout": raised})
    return smaller_model(config)


def _with_more_text(measured: Measurements) -> Fix | None:
    data = more_text(measured)
    if data is None:
        return None
    label = f"Restart with {data['max_megabytes']:g} MB of text"
    # As many steps as before, which are then fewer passes.
    most = measured.most_steps or int(_limit("training.max_steps"))
    training = {"max_steps": min(measured.total_steps, most)}
    return _fix(measured.config, label, data=data, training=training)


def more_text(measured: Measurements) -> dict[str, float] | None:
    """Four times the text: a language without end gives it, and a text that was cut."""
    data = measured.config.data
    name = data.source.strip().lower()
    source = SOURCES.get(name)
    used = data.max_megabytes or (source.megabytes if source else None)
    if used is None:
        return None
    most = _MOST_MEGABYTES
    if source is None or not source.is_written:
        is_cut = measured.text_bytes is not None and measured.text_bytes > 0.9 * used * 1e6
        if data.max_megabytes is None or not is_cut:
            return None
        most = min(most, source.megabytes) if source and source.megabytes else most
    raised = _tidy(min(most, 4 * used), 2)
    return {"max_megabytes": raised} if raised >= 1.5 * used else None


def smaller_model(config: RunConfig) -> Fix | None:
    """Half the width, if heads of eight and more fit into it; else half the layers."""
    model = config.model
    width = model.n_embed // 2
    if width % model.n_heads == 0 and width >= 8 * model.n_heads:
        return _fix(config, f"Restart with width {width}", model={"n_embed": width})
    if model.n_layers > 1:
        layers = model.n_layers // 2
        named = "1 layer" if layers == 1 else f"{layers} layers"
        return _fix(config, f"Restart with {named}", model={"n_layers": layers})
    return None


def larger_model(config: RunConfig) -> Fix | None:
    """A second layer where there is one, else twice the width."""
    model = config.model
    if model.n_layers < 2:
        return _fix(config, "Restart with 2 layers", model={"n_layers": 2})
    width = 2 * model.n_embed
    if width > _limit("model.n_embed"):
        return None
    return _fix(config, f"Restart with width {width}", model={"n_embed": width})


def unstuck(config: RunConfig) -> Fix | None:
    """What lets a model learn again that stands still: the switch that most likely holds it."""
    model, training = config.model, config.training
    if not model.residual:
        return _fix(config, "Restart with residual connections", model={"residual": True})
    if model.norm_position != "pre":
        return _fix(config, "Restart with pre-norm", model={"norm_position": "pre"})
    if model.dropout > 0.2:
        return _fix(config, "Restart with dropout 0.1", model={"dropout": 0.1})
    if training.weight_decay > 0.5:
        return _fix(config, "Restart with weight decay 0.1", training={"weight_decay": 0.1})
    return larger_model(config)


def less_dropout(config: RunConfig) -> Fix | None:
    """A tenth."""
    return _fix(config, "Restart with dropout 0.1", model={"dropout": 0.1})


def living_units(config: RunConfig) -> Fix | None:
    """An activation that lets some gradient through everywhere; where it does, a lower rate."""
    if config.model.activation == "relu":
        return _fix(config, "Restart with GELU", model={"activation": "gelu"})
    return lower_rate(config)


def tamed_gradient(config: RunConfig) -> Fix | None:
    """Layer norm where it is missing, else a lower rate."""
    if config.model.norm_position == "none":
        return _fix(config, "Restart with layer norm", model={"norm_position": "pre"})
    return lower_rate(config)


def usual_clipping(config: RunConfig) -> Fix | None:
    """The limit that is meant for accidents."""
    return _fix(config, "Restart with clipping at 1", training={"grad_clip": 1.0})


def rate_over_usual(config: RunConfig) -> float:
    """The peak learning rate over one that suits the model; Muon's where it is used."""
    if config.training.optimizer == "muon":
        return config.training.muon_learning_rate / _MOST_MUON
    return config.training.learning_rate / _usual_rate(config)


def _fix(config: RunConfig, label: str, **groups: dict[str, Any]) -> Fix | None:
    """The fix with what differs from `config`; None where nothing does."""
    changes: dict[str, dict[str, Any]] = {}
    for group, values in groups.items():
        now = getattr(config, group)
        different = {name: value for name, value in values.items() if getattr(now, name) != value}
        if different:
            changes[group] = different
    return Fix(label, changes) if changes else None


def _usual_rate(config: RunConfig) -> float:
    """A peak rate of AdamW that suits a model's width, from 3e-4 at 1024 up to 5e-3.

    The best rate falls as one over the width (Yang et al. 2022, Tensor Programs V).
    """
    return min(5e-3, 0.3 / config.model.n_embed)


def _limit(key: str) -> float:
    """The largest value that a setting may have."""
    return _LIMITS[key]["le"]


def _tidy(value: float, digits: int = 1) -> float:
    """A number a person would type: so many significant digits, above 0."""
    return float(f"{max(value, 1e-12):.{digits}g}")


def _with_rate(changes: dict[str, Any]) -> str:
    """What a button says that changes a rate, or Muon's, or both."""
    beside, muon = changes.get("learning_rate"), changes.get("muon_learning_rate")
    if beside is not None and muon is not None:
        return f"Restart with learning rate {beside:g}, Muon's {muon:g}"
    if muon is not None:
        return f"Restart with Muon's rate {muon:g}"
    return f"Restart with learning rate {changes['learning_rate']:g}"
