"""Pure functions of the step: learning rate, and the steps at which the run shows itself.

Nothing here needs a model or torch, so a page can draw a schedule before anything runs.
"""

from __future__ import annotations

import math

from gtt.config import TrainingConfig

EARLY_SHARE = 0.25  # of the training up to it that an early evaluation may cost


def warmup_length(total_steps: int, config: TrainingConfig) -> int:
    """Steps of warm-up: what the setting says, at most half of the run."""
    return min(config.warmup_steps, total_steps // 2)


def lr_factor(step: int, total_steps: int, config: TrainingConfig) -> float:
    """What the peak learning rate is multiplied by at `step`, counted from 0.

    Rises linearly to 1 over the warm-up (Goyal et al. 2017), then follows a cosine (Loshchilov and
    Hutter 2017) or a line down to `min_lr_ratio` at the last step, or stays at 1.
    """
    warmup = warmup_length(total_steps, config)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if config.lr_scheduler == "constant":
        return 1.0
    progress = min(1.0, (step - warmup) / max(1, total_steps - 1 - warmup))
    shape = (
        0.5 * (1 + math.cos(math.pi * progress))
        if config.lr_scheduler == "cosine"
        else 1 - progress
    )
    return config.min_lr_ratio + (1 - config.min_lr_ratio) * shape


def learning_rates(total_steps: int, config: TrainingConfig) -> list[float]:
    """The learning rate at each step of the run, (total_steps,)."""
    return [
        config.learning_rate * lr_factor(step, total_steps, config) for step in range(total_steps)
    ]


def is_log_spaced(step: int) -> bool:
    """True at steps 0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, …: dense at first, then sparse.

    Early training changes the text with every step and late training hardly does, so samples and
    snapshots at these steps replay it evenly.
    """
    if step < 3:
        return True
    power = 1 << (step.bit_length() - 1)
    return step == power or (step >= 8 and step == power + power // 2)


def is_early_evaluation(
    step: int, tokens_per_step: int, config: TrainingConfig, block: int
) -> bool:
    """Whether the loss is measured at `step`, though `eval_every` steps are not yet done.

    The first stretch is where a validation curve bends, so that it is measured at log-spaced steps,
    from the first on at which that costs at most a quarter of what was trained until then. A token
    that is evaluated goes forward only, a third of the work of one that is trained.
    """
    evaluated = config.eval_windows * block / 3
    affordable = evaluated <= EARLY_SHARE * step * tokens_per_step
    return 0 < step < config.eval_every and is_log_spaced(step) and affordable


def total_steps(train_tokens: int, tokens_per_step: int, config: TrainingConfig) -> int:
    """Optimizer steps in the run: `max_steps`, or as many as the epochs need (at least one)."""
    if config.max_steps is not None:
        return config.max_steps
    return max(1, round(config.num_epochs * train_tokens / tokens_per_step))
