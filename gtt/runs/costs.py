"""Memory and operations of a training step, from the settings alone and without torch.

Operations are those of Chowdhery et al. 2022 (PaLM, appendix B), as nanoGPT counts them: 6 per
weight and token for forward and backward, and 12 L C T per token for attention.
Memory counts the tensors that autograd keeps in `gtt.model.gpt`, one by one; tests hold all of it
against the real module.

B sequences of T tokens in a batch, C embedding width, H heads, L layers, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

from gtt.config import ModelConfig, RunConfig
from gtt.support import ANY, Support

# Resident bytes of a process that has loaded everything and trains nothing yet, measured with
# torch 2.13 for CPUs (docs/measurements.md).
PROCESS_BYTES = 390 * 10**6
EVALUATED_AT_ONCE = 16_384  # tokens, as `gtt.training.evaluation.summed_loss` has it
UPDATE_COPIES = 6  # that Newton-Schulz makes of the largest group of matrices
DROPPED_BYTES = 8  # to which drawing and applying one element of dropout is equal in time
HEAD_SHARE = 0.4  # of the fixed cost of a layer that a separate head adds

supports = Support(
    "What a model with model.{} takes cannot be estimated: leave that setting as it was.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre", "post", "none"),
    residual=(True, False),
    position=("learned", "sinusoidal", "none"),
    activation=("gelu", "relu", "silu"),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)


@dataclass(frozen=True)
class MemoryPart:
    """Bytes that one kind of thing takes."""

    name: str
    label: str
    bytes: int


@dataclass(frozen=True)
class Operations:
    """Floating-point operations of one optimizer step, a product and a sum counting two."""

    model: int
    attention: int
    optimizer: int

    @property
    def total(self) -> int:
        return self.model + self.attention + self.optimizer


@dataclass(frozen=True)
class Work:
    """What the time of a step depends on: operations, bytes written and read back, layers passed.

    The `optimizer` operations are done in fp32 whatever the precision of the model.
    """

    operations: float
    optimizer: float
    bytes: float
    layers: float


def block_matrices(model: ModelConfig) -> dict[tuple[int, int], int]:
    """The matrices inside all blocks, as Muon groups them: rows and columns to how many.

    Raises `BadInput` for a model that is not known here; so does all that costs anything.
    """
    supports.require(model, field="model")
    width, hidden, layers = model.n_embed, model.mlp_width, model.n_layers
    counts: dict[tuple[int, int], int] = {(width, width): 4 * layers}  # q, k, v and output
    for shape in ((width, hidden), (hidden, width)):
        counts[shape] = counts.get(shape, 0) + layers
    return counts


def operations_per_step(config: RunConfig, vocab_size: int) -> Operations:
    """The operations of one optimizer step of one process."""
    model, training = config.model, config.training
    tokens = training.batch_size * training.grad_accumulation_steps * model.block_size
    matrices = sum(rows * columns * n for (rows, columns), n in block_matrices(model).items())
    used = matrices + vocab_size * model.n_embed  # the unembedding, tied or not
    attention = 12 * model.n_layers * model.n_embed * model.block_size
    optimizer = 0
    if training.optimizer == "muon":  # five Newton-Schulz steps of three products
        for (rows, columns), n in block_matrices(model).items():
            short, long = min(rows, columns), max(rows, columns)
            optimizer += n * 5 * (4 * short * short * long + 2 * short**3)
    return Operations(6 * used * tokens, attention * tokens, optimizer)


def memory_by_part(
    config: RunConfig, vocab_size: int, precision: str, device: str = "cpu"
) -> tuple[MemoryPart, ...]:
    """Bytes of the process at the fullest moment of training, by what takes them.

    Raises `BadInput` for a model that is not known here.
    """
    model, training = config.model, config.training
    parameters = model.parameter_count(vocab_size)
    fixed = model.block_size * model.n_embed if model.position == "sinusoidal" else 0
    matrices = sum(rows * columns * n for (rows, columns), n in block_matrices(model).items())
    of_muon = matrices if training.optimizer == "muon" else 0
    halves = 2 * (matrices + vocab_size * model.n_embed) if precision != "fp32" else 0
    kept_bytes = _kept_for_backward(config, precision, device)
    loss = 4 * _tokens(config) * vocab_size
    # On the way back come the gradients of the logits, and later those of the blocks.
    step = kept_bytes + loss + max(2 * loss, _on_the_way_back(config, precision, device))
    evaluation = _evaluation(config, vocab_size, precision, device)
    # Of what a step has freed an evaluation finds little that fits it, and what is freed is kept
    # (gtt/training/memory.py). A GPU's allocator cuts large pieces for it.
    beyond = max(0, evaluation - step) if device == "cuda" else evaluation
    beyond += max(0, _update(config) - step)
    return (
        MemoryPart("process", "The program itself", PROCESS_BYTES),
        MemoryPart("weights", "Weights", 4 * (parameters + fixed) + halves),
        MemoryPart("gradients", "Gradients", 4 * parameters),
        MemoryPart("optimizer", "Optimizer state", 8 * parameters - 4 * of_muon),
        MemoryPart("activations", "Activations", step - 3 * loss),
        MemoryPart("logits", "Logits and their gradients", 3 * loss),
        MemoryPart("beyond", "Evaluating, beside the steps", beyond),
    )


def work_of_step(config: RunConfig, vocab_size: int, precision: str, device: str = "cpu") -> Work:
    """What the time of one optimizer step depends on."""
    model, training = config.model, config.training
    operations = operations_per_step(config, vocab_size)
    batches = training.grad_accumulation_steps
    plain = config.updated({"model": {"dropout": 0.0}}) if model.dropout else config
    kept_bytes = _kept_for_backward(plain, precision, device) + 4 * _tokens(config) * vocab_size
    if model.dropout:
        kept_bytes += DROPPED_BYTES * _dropped(config)
    layers = model.n_layers + 1.0
    if model.attention == "separate_heads":
        layers += HEAD_SHARE * model.n_layers * model.n_heads
    return Work(
        operations=operations.model + operations.attention,
        optimizer=operations.optimizer,
        bytes=batches * kept_bytes + 4 * model.parameter_count(vocab_size),
        layers=batches * layers,
    )


def _tokens(config: RunConfig) -> int:
    """Tokens of one batch."""
    return config.training.batch_size * config.model.block_size


def _weights_of_attention(config: RunConfig, device: str) -> int:
    """Numbers in the attention weights of one layer; a GPU's fused attention keeps none."""
    if device == "cuda" and config.model.attention == "fused":
        return 0
    return _tokens(config) * config.model.n_heads * config.model.block_size


def _dropped(config: RunConfig) -> int:
    """Numbers that dropout draws for in one batch: attention weights, both outputs, embedding."""
    model, tokens = config.model, _tokens(config)
    weights = tokens * model.n_heads * model.block_size
    return model.n_layers * (weights + 2 * tokens * model.n_embed) + tokens * model.n_embed


def _kept_for_backward(config: RunConfig, precision: str, device: str) -> int:
    """Bytes that the blocks keep from one batch for the way back."""
    model, tokens = config.model, _tokens(config)
    # Queries, keys, values, scaled queries, what the heads read, and two places in the stream;
    # the norms keep what they read and what they give.
    streams = 7 if model.norm_position == "none" else 9
    hidden = (1 if model.activation == "relu" else 2) * model.mlp_width
    weights = _weights_of_attention(config, device)
    last = 2 * tokens * model.n_embed
    if model.dropout:  # the mask and the result; of the outputs also what went in
        weights *= 3
        streams += 4
        last += 2 * tokens * model.n_embed
    block = tokens * (streams * model.n_embed + hidden) + weights
    return _size(precision) * (model.n_layers * block + last)


def _on_the_way_back(config: RunConfig, precision: str, device: str) -> int:
    """Bytes of the gradients inside a block that are there at the same time."""
    weights = _weights_of_attention(config, device)
    if config.model.attention == "separate_heads":
        weights //= config.model.n_heads
    return 2 * _size(precision) * max(weights, _tokens(config) * config.model.mlp_width)


def _evaluation(config: RunConfig, vocab_size: int, precision: str, device: str) -> int:
    """Bytes that an evaluation needs at its fullest: forward only, but in batches of its own."""
    model, size = config.model, _size(precision)
    rows = min(max(1, EVALUATED_AT_ONCE // model.block_size), config.training.eval_windows)
    tokens = rows * model.block_size
    heads = 0 if device == "cuda" else model.n_heads
    loss = vocab_size * (8 if precision == "fp32" else 8 + size)
    attention = size * (2 * heads * model.block_size + 6 * model.n_embed)
    mlp = size * (2 * model.mlp_width + 3 * model.n_embed)
    return tokens * max(loss, attention, mlp)


def _update(config: RunConfig) -> int:
    """Bytes that Muon's update needs for a moment; AdamW's is done in place."""
    if config.training.optimizer != "muon":
        return 0
    groups = [4 * rows * columns * n for (rows, columns), n in block_matrices(config.model).items()]
    return sum(groups) + UPDATE_COPIES * max(groups)


def _size(precision: str) -> int:
    return 4 if precision == "fp32" else 2
