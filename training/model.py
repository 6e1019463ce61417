"""LLaDA's transformer: bidirectional, pre-norm, RMSNorm, rotary positions, SwiGLU, no biases.

Module and tensor names are those of the Hugging Face checkpoint GSAI-ML/LLaDA-8B-Base (Nie et al. 2025, "Large Language Diffusion
Models"), so that a state dict saved here loads there and the other way round. B: rows, L: length, D: width, H: heads, V: vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.config import ModelConfig
from training.initialisation import initialise


class RMSNorm(nn.Module):
    """Root-mean-square norm (Zhang & Sennrich 2019), computed in float32 whatever the input's type."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()  # B x L x D
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * self.weight).to(x.dtype)


def rotary_tables(length: int, head_size: int, theta: float) -> tuple[Tensor, Tensor]:
    """cos and sin of RoPE (Su et al. 2021) for positions 0..length-1, each length x head_size, halves repeated (rotate-half form)."""
    inverse = 1.0 / theta ** (torch.arange(0, head_size, 2, dtype=torch.float32) / head_size)  # head_size/2
    angles = torch.outer(torch.arange(length, dtype=torch.float32), inverse)  # L x head_size/2
    angles = torch.cat((angles, angles), dim=-1)  # L x head_size
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply RoPE: x*cos + rotate_half(x)*sin. x: B x H x L x head_size."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def attend(q: Tensor, k: Tensor, v: Tensor, keep: Tensor | None, causal: bool) -> Tensor:
    """Fused attention; fewer key than query heads are shared among neighbours (Ainslie et al. 2023).

    On a CPU in float32 even under bfloat16 autocast: the fused kernel's backward pass takes 0.4-0.6 of the time (measured, L 48 and 128).
    """
    grouped = q.shape[1] != k.shape[1]
    if q.device.type == "cpu":
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=keep, is_causal=causal, enable_gqa=grouped)
    return F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, attn_mask=keep, is_causal=causal, enable_gqa=grouped)


class Block(nn.Module):
    """LLaDALlamaBlock: attention then gated feed-forward, each behind its own norm and added to the stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, head = config.d_model, config.d_model // config.n_heads
        self.heads, self.kv_heads, self.head_size = config.n_heads, config.n_kv_heads, head
        self.attn_norm = RMSNorm(width, config.rms_norm_eps)
        self.ff_norm = RMSNorm(width, config.rms_norm_eps)
        self.q_proj = nn.Linear(width, config.n_heads * head, bias=False)
        self.k_proj = nn.Linear(width, config.n_kv_heads * head, bias=False)
        self.v_proj = nn.Linear(width, config.n_kv_heads * head, bias=False)
        self.attn_out = nn.Linear(width, width, bias=False)
        self.ff_proj = nn.Linear(width, config.mlp_hidden_size, bias=False)  # the gate, goes through SiLU
        self.up_proj = nn.Linear(width, config.mlp_hidden_size, bias=False)
        self.ff_out = nn.Linear(config.mlp_hidden_size, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, keep: Tensor | None, causal: bool) -> Tensor:
        rows, length, width = x.shape
        h = self.attn_norm(x)  # B x L x D
        q = self.q_proj(h).view(rows, length, self.heads, self.head_size).transpose(1, 2)  # B x H x L x head
        k = self.k_proj(h).view(rows, length, self.kv_heads, self.head_size).transpose(1, 2)
        v = self.v_proj(h).view(rows, length, self.kv_heads, self.head_size).transpose(1, 2)
        mixed = attend(rotate(q, cos, sin), rotate(k, cos, sin), v, keep, causal and keep is None)  # B x H x L x head
        x = x + self.attn_out(mixed.transpose(1, 2).reshape(rows, length, width))
        h = self.ff_norm(x)
        return x + self.ff_out(F.silu(self.ff_proj(h)) * self.up_proj(h))


class LLaDAModelLM(nn.Module):
    """The whole network. `hidden` gives the stream behind the last norm; `logits` projects chosen rows of it to the vocabulary."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(config.vocab_size, config.d_model),
                "blocks": nn.ModuleList(Block(config) for _ in range(config.n_layers)),
                "ln_f": RMSNorm(config.d_model, config.rms_norm_eps),
            }
        )
        if not config.weight_tying:
            transformer["ff_out"] = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.model = nn.ModuleDict({"transformer": transformer})
        cos, sin = rotary_tables(config.max_sequence_length, config.d_model // config.n_heads, config.rope_theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        initialise(self, config)

    def hidden(self, ids: Tensor, keep: Tensor | None = None, causal: bool = False) -> Tensor:
        """ids: B x L; keep: B x L bool, False at padding (None: all True). Returns B x L x D behind the final norm."""
        length = ids.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        attention = None
        if keep is not None:
            attention = keep[:, None, None, :]  # B x 1 x 1 x L: no position attends to padding
            if causal:
                attention = attention & torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        x = self.model["transformer"]["wte"](ids)  # B x L x D
        for block in self.model["transformer"]["blocks"]:
            x = block(x, cos, sin, attention, causal)
        return self.model["transformer"]["ln_f"](x)

    def logits(self, hidden: Tensor) -> Tensor:
        """... x D -> ... x V raw logits (the mask token's included; callers set it to minus infinity)."""
        transformer = self.model["transformer"]
        weight = transformer["wte"].weight if self.config.weight_tying else transformer["ff_out"].weight
        return F.linear(hidden, weight)

    def forward(self, ids: Tensor, keep: Tensor | None = None) -> Tensor:
        return self.logits(self.hidden(ids, keep))

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())
