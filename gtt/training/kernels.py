"""What a CPU trains with in place of three of the model's operations: the same results sooner.

A CPU waits for its memory as much as it computes. These go over it less often: a product takes its
bias along, GELU is worked out in parts that stay in the caches and remembers its slope instead of
its input, attention leaves out half of the future and hands its gradients on in the order in which
they are wanted. docs/measurements.md has what each buys. They are for training alone: without
gradients the model's own code runs, and so does its attention with a cache or a probe.

Shapes: B sequences, T tokens, C embedding width, H heads, D = C / H, N = B H.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from gtt.model.gpt import GPT, MLP, CausalSelfAttention, KeyValueCache, Linear, Probe
from gtt.support import ANY, Support

ROWS = 128  # queries that are worked on together; more where there are many
SCORES = 1 << 21  # scores at a time
HIDDEN = 1 << 19  # values of the hidden layer at a time

# Dropout, heads one by one and other activations stay with the model's own code.
supports = Support(
    "The kernels for a CPU do not know model.{}: let the model's own code train it.",
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


def use_cpu_kernels(model: GPT) -> bool:
    """Makes the model's layers those below; its weights and their names stay as they are.

    A model that they do not know stays as it is; returns whether it was known.
    """
    if not supports(model.config):
        return False
    for layer in model.modules():
        if type(layer) is Linear and layer.bias is not None:
            layer.__class__ = TrainedLinear
        if type(layer) is CausalSelfAttention and not layer.separate_heads:
            layer.__class__ = TrainedAttention
        if type(layer) is MLP and model.config.activation == "gelu":
            layer.activation = gelu
    return True


class TrainedLinear(Linear):
    """A `Linear` that adds its bias within the product."""

    def forward(self, x: Tensor) -> Tensor:
        """x (…, in) to (…, out)."""
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        if self.bias is None or not torch.is_grad_enabled() or not has_fused_bias(dtype):
            return super().forward(x)
        W, b, rows = self.weight.to(dtype), self.bias.to(dtype), x.flatten(0, -2).to(dtype)
        out: Tensor = Product.apply(rows, W, b)  # type: ignore[no-untyped-call]
        return out.view(*x.shape[:-1], -1)


class TrainedAttention(CausalSelfAttention):
    """A `CausalSelfAttention` with its gradients written out."""

    def forward(
        self, x: Tensor, cache: KeyValueCache | None = None, probe: Probe | None = None
    ) -> Tensor:
        """x (B, T, C) to (B, T, C)."""
        drops = self.training and self.dropout > 0  # would have to be drawn again on the way back
        if drops or cache is not None or probe is not None or not torch.is_grad_enabled():
            return super().forward(x, cache, probe)
        z = CausalAttention.apply(self.c_attn(x), self.n_heads)  # type: ignore[no-untyped-call]
        out: Tensor = self.c_proj(z)
        return out


def gelu(x: Tensor) -> Tensor:
    """GPT-2's GELU, of any shape."""
    if not torch.is_grad_enabled():
        return F.gelu(x, approximate="tanh")
    y: Tensor = Gelu.apply(x)  # type: ignore[no-untyped-call]
    return y


def has_fused_bias(dtype: torch.dtype) -> bool:
    """Whether oneDNN is there, is wanted, and multiplies numbers of this type on this machine."""
    if not torch._C._get_mkldnn_enabled() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


class Product(torch.autograd.Function):
    """x (N, in) @ W (in, out) + b; oneDNN adds the bias before it writes a result down."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        """To (N, out), in the type of x, W and b."""
        ctx.save_for_backward(x, W)
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, W.t(), b, "none", [], "")
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of out (N, out) to x, W and b."""
        x, W = ctx.saved_tensors
        return grad @ W.t(), x.t() @ grad, grad.sum(0)


class Gelu(torch.autograd.Function):
    """x (1 + tanh(z / 2)) / 2 = x σ(z) with z = A (x + C x³), worked out in fp32."""

    A, C = 2 * math.sqrt(2 / math.pi), 0.044715

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Of any shape."""
        x = x.contiguous()
        y, slope = torch.empty_like(x), torch.empty_like(x)
        parts = (whole.view(-1).split(HIDDEN) for whole in (x, y, slope))
        for part in zip(*parts, strict=True):
            Gelu.fill(*part)
        ctx.save_for_backward(slope)
        return y

    @staticmethod
    def fill(x: Tensor, y: Tensor, slope: Tensor) -> None:
        """Fills y = x σ and slope = σ + σ (1 - σ) x dz/dx, where x dz/dx = 3 z - 2 A x."""
        A, C = Gelu.A, Gelu.C
        x = x.to(torch.float32, copy=True)
        z = torch.addcmul(x.new_tensor(A), x, x, value=A * C).mul_(x)
        σ = z.sigmoid()
        z.sub_(x, alpha=2 / 3 * A)  # a third of x dz/dx
        y.copy_(x.mul_(σ))
        torch.ops.aten.sigmoid_backward.grad_input(z, σ, grad_input=z)  # times σ (1 - σ)
        slope.copy_(σ.add_(z, alpha=3))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """The slope is used up."""
        (slope,) = ctx.saved_tensors
        dx: Tensor = slope.mul_(grad)
        return dx


class CausalAttention(torch.autograd.Function):
    """softmax(q·k / sqrt(D)) v, causal, of all heads.

    The queries of a stretch are worked on together, with the keys up to the stretch's end. Its
    weights (N, rows, keys) are kept for the way back.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, n_heads: int) -> Tensor:
        """qkv (B, T, 3 C) to z (B, T, C)."""
        B, T, C = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
        heads = qkv.view(B, T, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = heads.clone(memory_format=torch.contiguous_format).flatten(1, 2)  # (N, T, D)
        q.div_(math.sqrt(q.shape[2]))
        z, weights_by_stretch = torch.empty_like(v), []
        for rows in stretches(T):
            keys, size = rows.stop, rows.stop - rows.start
            future = q.new_full((size, size), float("-inf")).triu(1)
            weights = q.new_empty(len(q), size, keys)
            for some in pieces(weights):
                scores = q[some, rows] @ k[some, :keys].mT
                scores[..., rows].add_(future)
                torch.softmax(scores, dim=-1, out=weights[some])
                torch.bmm(weights[some], v[some, :keys], out=z[some, rows])
            weights_by_stretch.append(weights)
        ctx.save_for_backward(q, k, v, *weights_by_stretch)
        return z.view(B, n_heads, T, -1).transpose(1, 2).reshape(B, T, C)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor, None]:
        """Of z (B, T, C) to qkv (B, T, 3 C)."""
        q, k, v, *weights_by_stretch = ctx.saved_tensors
        (B, T, C), (N, _, D) = dz.shape, q.shape
        H = N // B
        dz = dz.view(B, T, H, D).transpose(1, 2).reshape(N, T, D)
        # A product is faster where the smaller matrix is turned: these two come out turned.
        dq, dk, dv = torch.empty_like(q), q.new_empty(N, D, T), q.new_empty(N, D, T)
        for rows, weights in reversed(list(zip(stretches(T), weights_by_stretch, strict=True))):
            keys = rows.stop
            for some in pieces(weights):
                w, q_here, dz_here = weights[some], q[some, rows], dz[some, rows]
                dw = dz_here @ v[some, :keys].mT
                ds = torch._softmax_backward_data(dw, w, -1, w.dtype)
                torch.bmm(ds, k[some, :keys], out=dq[some, rows])
                if keys == T:  # the last stretch comes first, and reaches every key
                    torch.bmm(q_here.mT, ds, out=dk[some])
                    torch.bmm(dz_here.mT, w, out=dv[some])
                else:
                    dk[some, :, :keys].baddbmm_(q_here.mT, ds)
                    dv[some, :, :keys].baddbmm_(dz_here.mT, w)
        dqkv = dz.new_empty(B, T, 3, H, D)
        dqkv[:, :, 0] = dq.div_(math.sqrt(D)).view(B, H, T, D).transpose(1, 2)
        dqkv[:, :, 1] = dk.view(B, H, D, T).permute(0, 3, 1, 2)
        dqkv[:, :, 2] = dv.view(B, H, D, T).permute(0, 3, 1, 2)
        return dqkv.view(B, T, 3 * C), None


def stretches(T: int) -> list[slice]:
    """T queries in two stretches, or in as many of `ROWS` as it takes, but in four at most."""
    size = max(min(ROWS, (T + 1) // 2), (T + 3) // 4)
    return [slice(start, min(T, start + size)) for start in range(0, T, size)]


def pieces(weights: Tensor) -> list[slice]:
    """N (N, rows, keys) in pieces of about `SCORES`."""
    N, rows, keys = weights.shape
    size = max(1, SCORES // (rows * keys))
    return [slice(start, min(N, start + size)) for start in range(0, N, size)]
