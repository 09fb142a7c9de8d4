"""What a run is: four frozen groups of settings and the run configuration that holds them.

Each setting is described once, on its field: default, hard limits (what validation enforces),
slider range (what the page offers), label, unit, and the concept that explains it. The page, the
REST schema, the terminal and the reference read it from there with `describe_settings`.
"""

from gtt.config.data import DataConfig
from gtt.config.descriptions import SettingDescription, describe_settings
from gtt.config.generation import LONGEST_PROMPT, LONGEST_STOP, GenerationConfig
from gtt.config.model import ModelConfig
from gtt.config.parameters import ParameterPart, parameter_parts, size_name
from gtt.config.run import GROUPS, RunConfig
from gtt.config.training import TrainingConfig

__all__ = [
    "GROUPS",
    "LONGEST_PROMPT",
    "LONGEST_STOP",
    "DataConfig",
    "GenerationConfig",
    "ModelConfig",
    "ParameterPart",
    "RunConfig",
    "SettingDescription",
    "TrainingConfig",
    "describe_settings",
    "parameter_parts",
    "size_name",
]
