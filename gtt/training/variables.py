"""Variables of the environment that Accelerate reads: what they may say of a run, and what not.

A run is what its settings say. A shell, a container or another program's configuration may hold
variables that Accelerate would follow before them: those are hidden from it where a setting decides
the same, and refused by name where they ask for what GTT does not do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping, Sequence

from gtt.errors import BadInput

FOREIGN = ("ACCELERATE_", "FSDP_", "MEGATRON_LM_", "PARALLELISM_CONFIG_", "FP8_", "FORK_LAUNCHED")
KEPT = ("ACCELERATE_USE_CPU", "ACCELERATE_CPU_AFFINITY", "ACCELERATE_LOG_LEVEL")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# What switches on another way of training than ours.
OTHER_WAYS = {
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "Accelerate's other kinds of parallelism",
    "ACCELERATE_USE_SAGEMAKER": "SageMaker",
}
SHARDS = "GTT_SHARD"  # what Accelerate's launcher calls ACCELERATE_USE_FSDP, once that is hidden
GROUP = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
OF_A_GROUP = (*GROUP, "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK")
# By which MPI says how many processes there are; Accelerate follows them on the CPU.
MPI_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
OF_MPI = ("PMI_", "OMPI_COMM_WORLD_", "MV2_COMM_WORLD_", "MPI_LOCAL")
YES, NO = ("1", "true", "yes", "y", "t", "on"), ("0", "false", "no", "n", "f", "off", "")


def refuse_foreign(environment: Mapping[str, str] = os.environ) -> None:
    """Raises `BadInput` that names a variable which asks for what a run cannot do."""
    for name, purpose in OTHER_WAYS.items():
        if is_on(name, environment):
            raise BadInput(
                f"{name}={environment[name]} asks for {purpose}, which GTT does not train with: "
                "unset it. Several GPUs work together with accelerate launch --multi_gpu.",
                field=name,
            )
    device = environment.get("ACCELERATE_TORCH_DEVICE")
    if device:
        raise BadInput(
            f"ACCELERATE_TORCH_DEVICE={device} names a device, and GTT takes the one that there "
            "is: unset it. To stay on the CPU set ACCELERATE_USE_CPU=true, to choose a GPU "
            "CUDA_VISIBLE_DEVICES.",
            field="ACCELERATE_TORCH_DEVICE",
        )
    for name in ("ACCELERATE_USE_CPU", "ACCELERATE_CPU_AFFINITY", "ACCELERATE_USE_FSDP", SHARDS):
        is_on(name, environment)
    if is_on("FSDP_OFFLOAD_PARAMS", environment) and asks_for_shards(environment):
        raise BadInput(
            "FSDP_OFFLOAD_PARAMS asks for weights in main memory, and GTT leaves its shards on the "
            "device: unset it (fsdp_offload_params in the launcher's configuration).",
            field="FSDP_OFFLOAD_PARAMS",
        )
    _refuse_half_a_group(environment)
    _refuse_half_of_mpi(environment)


def _refuse_half_a_group(environment: Mapping[str, str]) -> None:
    numbers = {name: whole_number(name, environment) for name in OF_A_GROUP if "ADDR" not in name}
    rank, several = numbers["RANK"] or numbers["LOCAL_RANK"] or 0, numbers["WORLD_SIZE"] or 1
    missing = [name for name in GROUP if not environment.get(name)]
    if several > 1 and missing:
        raise BadInput(
            f"WORLD_SIZE={several} says that this is one of several processes, and "
            f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing: unset it, or "
            "start all of them with accelerate launch or torchrun.",
            field="WORLD_SIZE",
        )
    if rank >= several:
        name = "RANK" if numbers["RANK"] else "LOCAL_RANK"
        raise BadInput(
            f"{name}={rank} is no place among {several} process{'es' if several > 1 else ''} "
            "(WORLD_SIZE): unset it, or start all of them with accelerate launch or torchrun.",
            field=name,
        )


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _refuse_half_of_mpi(environment: Mapping[str, str]) -> None:
    if not is_on("ACCELERATE_USE_CPU", environment):
        return
    for name in MPI_SIZES:
        several = whole_number(name, environment) or 1
        if several > 1 and not environment.get("MASTER_ADDR"):
            raise BadInput(
                f"{name}={several} says that MPI started several processes, and MASTER_ADDR is "
                "missing: unset it, or start all of them with accelerate launch or torchrun.",
                field=name,
            )


def whole_number(name: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """The number that a variable holds, None where it is unset; raises `BadInput` by its name."""
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadInput(f"{name}={text} is not a whole number: correct it, or unset it.", field=name)
    return int(text)


def is_on(name: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a switch is set; raises `BadInput` that names it for what is neither yes nor no."""
    text = environment.get(name, "").strip().lower()
    if text not in (*YES, *NO):
        raise BadInput(f"{name}={text} is neither true nor false: correct it, or unset it.",
                       field=name)  # fmt: skip
    return text in YES


def forget_odd_log_level(environment: MutableMapping[str, str] = os.environ) -> None:
    """Takes away a level that there is not, over which Accelerate would fall while it is loaded."""
    if environment.get("ACCELERATE_LOG_LEVEL", LEVELS[0]).upper() not in LEVELS:
        del environment["ACCELERATE_LOG_LEVEL"]


def hide_from_accelerate(environment: MutableMapping[str, str] = os.environ) -> None:
    """Takes away what would decide what the settings of a run decide; Accelerate looks many times.

    Half a group of processes, left over from something else, is none.
    """
    for name in (*OF_A_GROUP, *MPI_SIZES):
        if not environment.get(name, "-").strip():
            del environment[name]  # empty is unset, which Accelerate would read as a number
    is_group = all(environment.get(name) for name in GROUP)
    if asks_for_shards(environment):
        environment[SHARDS] = "true"
    for name in list(environment):
        of_half_a_group = name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE") and not is_group
        if _is_foreign(name) or of_half_a_group:
            del environment[name]


def asks_for_shards(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether several processes shall share out the model instead of each holding all of it."""
    return is_on(SHARDS, environment) or is_on("ACCELERATE_USE_FSDP", environment)


def _is_foreign(name: str) -> bool:
    return name.startswith(FOREIGN) and name not in KEPT


def for_one_process(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that trains by itself, whatever its parent was started in."""
    return {
        name: value
        for name, value in environment.items()
        if name not in (*OF_A_GROUP, SHARDS)
        and not name.startswith(OF_MPI)
        and not _is_foreign(name)
    }
