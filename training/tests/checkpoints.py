"""Small random checkpoints in the layouts of open diffusion models, with their own implementation in transformers as reference.

Large weights, so that errors show; biases and gains are random too, for transformers starts them at 0 and 1, where a forgotten one
would not be noticed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import ModernBertConfig, ModernBertForMaskedLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

VOCABULARY = 320
MASK, EOS = 300, 301


@dataclass(frozen=True)
class Checkpoint:
    folder: Path
    model: nn.Module
    causal: bool  # transformers would mask the future, which a diffusion conversion does not

    @torch.no_grad()
    def logits(self, canvases: list[list[int]]) -> list[Tensor]:
        """length x V of each canvas, evaluated together as one batch padded with token 1."""
        longest = max(map(len, canvases))
        ids = torch.tensor([canvas + [1] * (longest - len(canvas)) for canvas in canvases])  # B x L
        keep = torch.tensor([[1] * len(canvas) + [0] * (longest - len(canvas)) for canvas in canvases])  # B x L
        mask: Tensor = keep
        if self.causal:  # an additive mask of four axes is taken as it is
            mask = torch.zeros(len(canvases), 1, longest, longest).masked_fill(keep[:, None, None, :] == 0, torch.finfo(torch.float32).min)
        logits = self.model(input_ids=ids, attention_mask=mask).logits  # B x L x V
        return [logits[i, : len(canvas)] for i, canvas in enumerate(canvases)]


def shake(model: nn.Module, seed: int) -> None:
    """Random values for every parameter: matrices of deviation 1 / sqrt(columns), gains near 1, biases near 0."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if parameter.dim() > 1:
                parameter.copy_(noise * (1.0 if "embed" in name else 1.3) / parameter.shape[1] ** 0.5)
            else:
                parameter.copy_(noise * 0.2 + (0.0 if name.endswith("bias") else 1.0))


def write(folder: Path, model: nn.Module, config: dict, bf16: bool, tied: str | None, shards: int = 1, rename=None) -> None:
    """config.json and the tensors, in several files with an index where `shards` > 1. `tied` is left out: the embedding stands for it."""
    folder.mkdir(parents=True)
    if bf16:  # the reference computes in float32 with what bfloat16 can hold; its rotation angles stay float32
        for parameter in model.parameters():
            parameter.data = parameter.data.bfloat16().float()
    tensors = {
        (rename or str)(name): tensor.to(torch.bfloat16 if bf16 else torch.float32).contiguous()
        for name, tensor in model.state_dict().items() if name != tied
    }
    (folder / "config.json").write_text(json.dumps(config))
    names = list(tensors)
    files = {name: f"model-{i % shards + 1:05}-of-{shards:05}.safetensors" if shards > 1 else "model.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: tensors[name] for name in names if files[name] == file}, folder / file, metadata={"format": "pt"})
    if shards > 1:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))


def qwen(folder: Path, kind: str, *, tied: bool, bf16: bool, shards: int, key_heads: int, old_config: bool, **changes) -> Checkpoint:
    """Dream and the conversions of Qwen2 ("Dream", "a2d-qwen2") and of Qwen3 ("a2d-qwen3")."""
    sizes = {
        "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": key_heads, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "tie_word_embeddings": tied,
        "eos_token_id": EOS, **changes,
    }
    make, config_of = (Qwen3ForCausalLM, Qwen3Config) if kind == "a2d-qwen3" else (Qwen2ForCausalLM, Qwen2Config)
    config = config_of(**sizes, rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0})
    model = make(config).eval()
    shake(model, 7)
    written = {**sizes, "rope_theta": 1_000_000.0, "hidden_act": "silu", "rope_scaling": None} if old_config else config.to_dict()
    written |= {"model_type": kind, "mask_token_id": MASK, "use_sliding_window": False}
    write(folder, model, written, bf16, "lm_head.weight" if tied else None, shards)
    return Checkpoint(folder, model, causal=True)


def llada(folder: Path, *, tied: bool, biases: bool, bf16: bool, shards: int, key_heads: int) -> Checkpoint:
    """LLaDA's tensors are Qwen2's under other names (Llama's where the biases are zero)."""
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=key_heads,
        max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=tied, rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
    )
    model = Qwen2ForCausalLM(config).eval()
    shake(model, 8)
    if not biases:
        for layer in model.model.layers:
            for linear in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
                nn.init.zeros_(linear.bias)
    parts = {
        "model.embed_tokens": "wte", "model.norm": "ln_f", "lm_head": "ff_out", "model.layers": "blocks", "self_attn.o_proj": "attn_out",
        "self_attn.": "", "mlp.gate_proj": "ff_proj", "mlp.up_proj": "up_proj", "mlp.down_proj": "ff_out", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ff_norm",
    }

    def rename(name: str) -> str:
        for theirs, ours in parts.items():
            name = name.replace(theirs, ours)
        return f"model.transformer.{name}"

    written = {
        "model_type": "llada", "architectures": ["LLaDAModelLM"], "d_model": 64, "n_heads": 4, "n_kv_heads": key_heads, "n_layers": 2, "mlp_hidden_size": 112,
        "vocab_size": VOCABULARY - 10, "embedding_size": VOCABULARY, "max_sequence_length": 256, "rope": True, "rope_theta": 500_000.0,
        "rms_norm_eps": 1e-5, "weight_tying": tied, "activation_type": "silu", "block_type": "llama", "layer_norm_type": "rms",
        "include_bias": False, "include_qkv_bias": biases, "mask_token_id": MASK, "eos_token_id": EOS, "pad_token_id": EOS,
    }
    write(folder, model, written, bf16, "lm_head.weight" if tied else None, shards, rename)
    return Checkpoint(folder, model, causal=True)


def modernbert(folder: Path, *, layers: int, old_config: bool, tied: bool = True, bf16: bool = False, shards: int = 1) -> Checkpoint:
    """Every third layer is global, the others are local with a reach of 6 positions to either side."""
    sizes = {
        "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": layers, "num_attention_heads": 2,
        "max_position_embeddings": 256, "local_attention": 12, "pad_token_id": 1, "tie_word_embeddings": tied,
    }
    model = ModernBertForMaskedLM(ModernBertConfig(**sizes)).eval()
    shake(model, 9)
    old = {"global_attn_every_n_layers": 3, "global_rope_theta": 160_000.0, "local_rope_theta": 10_000.0, "position_embedding_type": "absolute"}
    written = {**sizes, **old, "model_type": "modernbert"} if old_config else model.config.to_dict()
    write(folder, model, written, bf16, "decoder.weight" if tied else None, shards)
    return Checkpoint(folder, model, causal=False)
