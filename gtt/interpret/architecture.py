"""The drawing of a model, taken from the model: every operation of one forward pass of the module.

The module is built from torch's fake tensors, which have shapes and no numbers, so that even a
large one costs milliseconds and no memory. While it reads a batch, each operation is noted with
the operations whose results it takes, the weights that it uses and the line of our own source that
asked for it. Nothing is drawn by hand: what the module does not do cannot show up, and what it does
cannot be forgotten.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode, resolve_name

from gtt.config import ModelConfig
from gtt.model import gpt
from gtt.model.gpt import GPT
from gtt.support import ANY, Support

# What operations are called in the drawing. Others do not compute (views, the way heads are laid
# out), and lead straight through.
OPERATIONS = {
    "embedding": "lookup",
    "layer_norm": "norm",
    "addmm": "linear",
    "matmul": "product",
    "linear": "linear",
    "baddbmm": "scores",
    "softmax": "softmax",
    "div": "scale",
    "add": "add",
    "gelu": "activation",
    "relu": "activation",
    "silu": "activation",
    "new_full": "mask",
}
# The graph is read off the module; what its nodes are called, and what is told of them, is ours.
supports = Support(
    "The drawing does not know model.{}: leave that setting as it was.",
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
SWITCHED_ON = {"norm_position": "pre", "residual": True, "position": "learned"}


@dataclass(frozen=True)
class Node:
    """One operation, or one part of a result that goes its own way (`split`: q, k and v).

    `id` is the module whose weights it uses, else its module and operation. `module` is where it
    happens, `probes` the probe points that see its result, `shape` that result's. `weights` are
    the shapes of the weights by name, `parameters` their numbers, 0 where `tied_to` has them
    already. `multiply_adds` are those of its matrix products, all of the batch together. `lines` of
    `gtt/model/gpt.py` do it in training: the one that computes, then within the same module those
    that call it. `open_lines` do it where somebody looks inside, if those are others.
    """

    id: str
    operation: str
    module: str
    shape: tuple[int, ...]
    probes: tuple[str, ...]
    weights: dict[str, tuple[int, ...]]
    parameters: int
    tied_to: str | None
    multiply_adds: int
    lines: tuple[int, ...]
    open_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edge:
    """The result of `source`, of this shape, goes into `target`."""

    source: str
    target: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Drawing:
    """The graph in the order of the computation.

    `missing` are the nodes that the same shape has with every part switched on and this one has
    not. `source` gives, by line, the statement that a node runs, as (first line, text).
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    missing: tuple[Node, ...]
    missing_edges: tuple[Edge, ...]
    source: dict[int, tuple[int, str]]


def draw(config: ModelConfig, vocab_size: int, batch: int, tokens: int) -> Drawing:
    """The drawing of a model that reads (batch, tokens) token ids.

    Raises `BadInput` for a model whose parts it has no names for.
    """
    supports.require(config, field="model")
    nodes, edges = trace(config, vocab_size, batch, tokens)
    whole, whole_edges = trace(config.model_copy(update=SWITCHED_ON), vocab_size, batch, tokens)
    drawn_ids = {node.id for node in nodes}
    missing = tuple(node for node in whole if node.id not in drawn_ids)
    missing_ids = {node.id for node in missing}
    lines = {line for node in (*nodes, *missing) for line in (*node.lines, *node.open_lines)}
    return Drawing(
        nodes=nodes,
        edges=edges,
        missing=missing,
        missing_edges=tuple(
            edge for edge in whole_edges if {edge.source, edge.target} & missing_ids
        ),
        source={line: statement_at(line) for line in sorted(lines)},
    )


def trace(
    config: ModelConfig, vocab_size: int, batch: int, tokens: int
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Nodes and edges of one forward pass, in the order of the computation."""
    with FakeTensorMode(), torch.no_grad():
        model = GPT(config, vocab_size).eval()
        recorder, training = _Recorder(model), _Recorder(model)
        ids = torch.zeros(batch, tokens, dtype=torch.long)
        with recorder:
            model(ids, probe=recorder.probe)
        with training:
            model(ids)
    in_training = {node.id: node.lines for node in training.finished()}
    nodes = []
    for node in recorder.finished():
        lines = in_training.get(node.id, node.lines)
        open_lines = tuple(line for line in node.lines if line not in lines)
        nodes.append(replace(node, lines=lines, open_lines=open_lines))
    return tuple(nodes), tuple(recorder.edges)


@dataclass
class _Growing:
    """A node while the pass goes on."""

    id: str
    operation: str
    module: str
    shape: tuple[int, ...]
    weights: dict[str, tuple[int, ...]]
    parameters: int
    tied_to: str | None
    multiply_adds: int
    lines: tuple[int, ...]
    probes: list[str] = field(default_factory=list)


class _Recorder(TorchFunctionMode):
    """Notes every operation while it is entered; it belongs to one model and one pass."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.nodes: dict[str, _Growing] = {}
        self.edges: list[Edge] = []
        self._modules = {id(module): _short(name) for name, module in model.named_modules()}
        self._holders: dict[int, list[str]] = {}  # of each weight: its names, two where it is tied
        for name, weight in model.named_parameters(remove_duplicate=False):
            self._holders.setdefault(id(weight), []).append(_short(name))
        self._first_holder: dict[int, str] = {}  # of the weights used so far
        self._named: dict[str, int] = {}  # how often a name was given to a node without weights
        self._made_by: dict[int, str] = {}  # node, by the identity of its result
        self._alive: list[Any] = []  # results are kept, so that no identity is used twice

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = (resolve_name(func) or "").rpartition(".")[2]
        operands = [
            argument
            for argument in (*args, *(kwargs or {}).values())
            if isinstance(argument, Tensor)
        ]
        operation = OPERATIONS.get(name)
        if name == "__getitem__" and id(args[0]) in self._holders:
            operation = "lookup"
        elif operation == "product" and any(id(operand) in self._holders for operand in operands):
            operation = "linear"
        if isinstance(result, Tensor) and operation is not None:
            self._note(operation, operands, result)
        elif isinstance(result, (Tensor, tuple)):  # a view: whoever reads it reads its source
            makers = [
                self._made_by[id(operand)] for operand in operands if id(operand) in self._made_by
            ]
            for tensor in result if isinstance(result, tuple) else (result,):
                if makers and isinstance(tensor, Tensor):
                    self._pass_on(makers[0], tensor)
        self._alive.append(result)
        return result

    def probe(self, name: str, activation: Tensor) -> Tensor:
        """A probe of the model: gives its points to nodes, and a node to a part of a result."""
        shape = tuple(activation.shape)
        maker = self.nodes[self._made_by[id(activation)]]
        if math.prod(shape) == _size(maker):
            maker.probes.append(name)
            return activation
        module, lines = self._where()
        self.nodes[name] = _Growing(name, "split", module, shape, {}, 0, None, 0, lines, [name])
        self._connect(activation, name)
        self._made_by[id(activation)] = name
        return activation

    def finished(self) -> Iterator[Node]:
        """The nodes in the order of the computation."""
        for node in self.nodes.values():
            yield Node(**{**vars(node), "probes": tuple(node.probes)})

    def _where(self) -> tuple[str, tuple[int, ...]]:
        """The module that is at work, and the lines that say what it does.

        A function that serves several parts names none of them: its caller is named with it.
        """
        frames = list(_frames())
        holders = [frame.f_locals.get("self") for frame in frames]
        general = [
            id(held_module) not in self._modules or isinstance(held_module, gpt.Linear)
            for held_module in holders
        ]
        depth = general.index(False)
        module = holders[depth]
        lines = [frames[0].f_lineno] if depth else []
        lines += [frame.f_lineno for frame, holder in zip(frames, holders) if holder is module]
        return self._modules[id(module)], tuple(lines)

    def _pass_on(self, maker: str, view: Tensor) -> None:
        """A view counts as what it shows; the last one before anything looks gives the shape."""
        self._made_by.setdefault(id(view), maker)
        node = self.nodes[maker]
        if not node.probes and self._where()[0] == node.module and view.numel() == _size(node):
            node.shape = tuple(view.shape)

    def _note(self, operation: str, operands: list[Tensor], result: Tensor) -> None:
        module, lines = self._where()
        weights, tied_to, parameters = {}, None, 0
        for operand in operands:
            if id(operand) in self._holders:
                names = self._holders[id(operand)]
                name = names.pop(0) if len(names) > 1 else names[0]
                weights[name] = tuple(operand.shape)
                if id(operand) in self._first_holder:
                    tied_to = self._first_holder[id(operand)]
                elif operand.requires_grad:
                    parameters += operand.numel()
                self._first_holder.setdefault(id(operand), name.rpartition(".")[0])
        id_ = next(iter(weights)).rpartition(".")[0] if weights else self._new(module, operation)
        self.nodes[id_] = _Growing(
            id=id_,
            operation=operation,
            module=module,
            shape=tuple(result.shape),
            weights=weights,
            parameters=parameters,
            tied_to=tied_to,
            multiply_adds=_multiply_adds(operation, operands, result),
            lines=lines,
        )
        if operation != "mask":  # it takes the kind of numbers from q, and no number
            for operand in operands:
                self._connect(operand, id_)
        self._made_by[id(result)] = id_

    def _new(self, module: str, operation: str) -> str:
        """A name for a node without weights: `h.0.add`, `h.0.add_2`."""
        first = f"{module}.{operation}" if module else operation
        self._named[first] = number = self._named.get(first, 0) + 1
        return first if number == 1 else f"{first}_{number}"

    def _connect(self, tensor: Tensor, target: str) -> None:
        maker = self._made_by.get(id(tensor))
        if maker is not None:
            self.edges.append(Edge(maker, target, self._shown_shape(tensor, maker)))

    def _shown_shape(self, tensor: Tensor, maker: str) -> tuple[int, ...]:
        """The shape on an arrow: of a part its own, of a whole as its maker left it."""
        node = self.nodes[maker]
        return node.shape if _size(node) == tensor.numel() else tuple(tensor.shape)


def _size(node: _Growing) -> int:
    return math.prod(node.shape)


def _short(name: str) -> str:
    return name.removeprefix("transformer").removeprefix(".")


def _multiply_adds(operation: str, operands: list[Tensor], result: Tensor) -> int:
    """Multiplications, each with an addition, of a matrix product: one per number and per sum."""
    if operation not in ("linear", "product", "scores"):
        return 0
    matrices = [operand for operand in operands if operand.dim() >= 2]
    inner = matrices[-2].shape[-1]  # (…, N, inner) times (inner, M) or, in F.linear, (M, inner)
    return int(result.numel() * inner)


def _frames() -> Iterator[FrameType]:
    """The frames of the model file that are being executed, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename == gpt.__file__:
            yield frame
        frame = frame.f_back


@cache
def statement_at(line: int) -> tuple[int, str]:
    """The statement of `gtt/model/gpt.py` that runs at a line: where it begins, and its text."""
    text = inspect.getsource(gpt)
    held = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt)
        and not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.If, ast.For))
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    innermost = max(held, key=lambda node: node.lineno)
    lines = text.splitlines()[innermost.lineno - 1 : innermost.end_lineno]
    return innermost.lineno, textwrap.dedent("\n".join(lines))
