"""A model folder: what training writes and everything else reads (Hugging Face layout, as LLaDA-8B's, plus our manifest).

`model.safetensors` (float16; several files and an index where it would be large), `config.json`, `tokenizer.json`, `tokenizer_config.json`, `manifest.json`. The manifest is written last and
removed first, so a folder that has one is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from training.config import ModelConfig
from training.model import LLaDAModelLM
from training.tokenizer import EOS, FACTS, MASK, PAD, PROMPT, STYLE_NONE, TEXT


@dataclass(frozen=True)
class Description:
    """What the manifest says beside sizes and hashes."""

    id: str
    title: str
    description: str
    licence: str
    styles: dict[str, str]  # name -> how it sounds; their token ids are looked up in the tokenizer
    training: dict
    editing: bool = False
    guidance: bool = True


def llada_config(config: ModelConfig) -> dict:
    """config.json with the keys of GSAI-ML/LLaDA-8B-Base."""
    return {
        "architectures": ["LLaDAModelLM"], "model_type": "llada",
        "d_model": config.d_model, "n_layers": config.n_layers, "n_heads": config.n_heads, "n_kv_heads": config.n_kv_heads,
        "mlp_hidden_size": config.mlp_hidden_size, "mlp_ratio": 4, "max_sequence_length": config.max_sequence_length,
        "vocab_size": config.vocab_size, "embedding_size": config.vocab_size, "weight_tying": config.weight_tying,
        "mask_token_id": MASK, "eos_token_id": EOS, "pad_token_id": PAD,
        "activation_type": "silu", "block_type": "llama", "block_group_size": 1, "scale_logits": False, "input_emb_norm": False,
        "layer_norm_type": "rms", "layer_norm_with_affine": True, "bias_for_layer_norm": False, "rms_norm_eps": config.rms_norm_eps,
        "attention_layer_norm": False, "attention_layer_norm_with_affine": True, "include_bias": False, "include_qkv_bias": False,
        "alibi": False, "alibi_bias_max": 8.0, "rope": True, "rope_full_precision": True, "rope_theta": config.rope_theta,
        "attention_dropout": 0.0, "embedding_dropout": 0.0, "residual_dropout": 0.0, "flash_attention": False, "multi_query_attention": None,
        "init_device": "meta", "init_fn": "normal", "init_std": config.init_std, "init_cutoff_factor": None,
        "precision": "amp_bf16", "torch_dtype": "float16", "use_cache": False,
    }


MAX_FILE_BYTES = 40_000_000  # hosts of repositories take no larger files gladly


def shards_of(tensors: dict[str, torch.Tensor], limit: int) -> list[dict[str, torch.Tensor]]:
    """Tensors in order, in as few groups as keep each within `limit` bytes (a larger tensor stands alone)."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    room = limit
    for name, tensor in tensors.items():
        if shards[-1] and tensor.nbytes > room:
            shards.append({})
            room = limit
        shards[-1][name] = tensor
        room -= tensor.nbytes
    return shards


def write_weights(out: Path, tensors: dict[str, torch.Tensor], limit: int) -> list[dict]:
    """Write the weights in Hugging Face's names; returns file, bytes and sha256 of each file."""
    for old in out.glob("*.safetensors*"):
        old.unlink()
    shards = shards_of(tensors, limit)
    names = ["model.safetensors"] if len(shards) == 1 else [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    for name, shard in zip(names, shards):
        save_file(shard, out / name, metadata={"format": "pt"})
        os.chmod(out / name, 0o644)
    if len(shards) > 1:
        places = {tensor: name for name, shard in zip(names, shards) for tensor in shard}
        write_json(out / "model.safetensors.index.json", {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": places})
    return [{"file": name, "bytes": (out / name).stat().st_size, "sha256": sha256(out / name)} for name in names]


def write_folder(out: Path, model: LLaDAModelLM, tokenizer_json: str, description: Description, file_bytes: int = MAX_FILE_BYTES) -> dict:
    """Write a model folder, its weights as float16 in files of at most about `file_bytes`, and return its manifest."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "manifest.json").unlink(missing_ok=True)
    weights = write_weights(out, {name: tensor.detach().half().contiguous() for name, tensor in model.state_dict().items()}, file_bytes)
    specials = {token["content"]: token["id"] for token in json.loads(tokenizer_json)["added_tokens"]}
    write_json(out / "config.json", llada_config(model.config))
    (out / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    write_json(out / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.config.max_sequence_length,
        "eos_token": "<|eos|>", "pad_token": "<|eos|>", "mask_token": "<|mask|>", "clean_up_tokenization_spaces": False,
    })
    digest = weights[0]["sha256"] if len(weights) == 1 else hashlib.sha256("".join(w["sha256"] for w in weights).encode()).hexdigest()
    manifest = {
        "format": 1, "id": description.id, "title": description.title, "description": description.description,
        "revision": digest[:16], "architecture": "llada", "licence": description.licence, "parameters": model.parameter_count(),
        "tokens": {"mask": MASK, "eos": EOS, "pad": PAD, "prompt": PROMPT, "facts": FACTS, "text": TEXT, "style_none": STYLE_NONE},
        "styles": [
            {"name": name, "token": specials[f"<|style:{name}|>"], "description": text} for name, text in description.styles.items()
        ],
        "context": model.config.max_sequence_length, "shift": model.config.shift,
        "supports": {"editing": description.editing, "guidance": description.guidance},
        "weights": weights,
        "training": description.training,
    }
    write_json(out / "manifest.json.partial", manifest)
    os.replace(out / "manifest.json.partial", out / "manifest.json")
    return manifest


def read_folder(path: Path) -> tuple[LLaDAModelLM, dict]:
    """The model of a folder in float32, evaluation mode, and its manifest. Raises ValueError on tensors that do not fit config.json."""
    values = json.loads((path / "config.json").read_text())
    manifest = json.loads((path / "manifest.json").read_text())
    config = ModelConfig(**{name: values[name] for name in ModelConfig.__dataclass_fields__ if name in values}, shift=manifest["shift"])
    model = LLaDAModelLM(config)
    files = [load_file(path / weights["file"]) for weights in manifest["weights"]]
    tensors = {name: tensor.float() for file in files for name, tensor in file.items()}
    wrong = set(tensors) ^ set(model.state_dict())
    if wrong:
        raise ValueError(f"tensors missing or unknown: {sorted(wrong)[:5]}")
    model.load_state_dict(tensors)
    return model.eval(), manifest


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
