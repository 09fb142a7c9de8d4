"""How a model is trained: a loop that yields events, its optimizers, schedules and checkpoints."""

from gtt.training.variables import forget_odd_log_level

forget_odd_log_level()  # before any module here loads Accelerate
