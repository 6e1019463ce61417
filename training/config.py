"""The configuration of a run: plain dataclasses, read from one TOML file. Unknown keys are errors."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any


@dataclass
class ModelConfig:
    d_model: int = 256
    n_layers: int = 6
    n_heads: int = 8
    n_kv_heads: int = 8
    mlp_hidden_size: int = 704
    vocab_size: int = 8192
    max_sequence_length: int = 256
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5
    weight_tying: bool = True
    init_std: float = 0.02
    local_heads: bool = True  # see initialisation.py
    shift: int = 0  # a token is predicted from the hidden state so many positions before it: 1 as in an autoregressive model (Dream)


@dataclass
class MixRule:
    """How often the texts of `file` with raw label `style` ("*" = any other) are repeated in one epoch, and which."""

    file: str = ""
    style: str = "*"
    times: float = 1.0  # 0.5 = every second text, drawn at random
    max_characters: int = 100_000
    max_simplicity: float = 1e9
    begins_only: bool = True


@dataclass
class DataConfig:
    mix: list[MixRule] = field(default_factory=list)
    buckets: list[int] = field(default_factory=lambda: [16, 32, 48, 64, 96, 128, 192, 256])  # canvas lengths, tokens
    max_canvas: int = 256
    short_canvas: int = 128  # longest canvas of most documents
    long_share: float = 0.2  # share of documents that may use max_canvas
    next_bucket_share: float = 0.2  # share put one bucket up, so that long EOS tails are seen
    tight_share: float = 0.2  # share whose canvas ends exactly behind the first EOS
    style_drop: float = 0.1
    prompt_drop: float = 0.4
    facts_drop: float = 0.4
    max_prompt_tokens: int = 40
    max_facts_tokens: int = 56
    cut_share: float = 0.25  # share of texts tokenised in separately cut pieces
    seed: int = 1


@dataclass
class CorruptionConfig:
    t_min: float = 1e-3
    t_max: float = 1.0
    opening_steps: int = 0  # steps over which the range of t widens from the opening's to the full one
    opening_t_min: float = 0.1
    opening_t_max: float = 0.4
    span_share: float = 0.3  # share of canvases masked in spans instead of position by position
    span_mean: float = 6.0  # mean span length, tokens
    replace_batch_share: float = 0.0  # share of batches in which visible tokens are replaced at random
    replace_rate: float = 0.1  # share of visible text tokens replaced in such a batch


@dataclass
class OptimiserConfig:
    learning_rate: float = 1.5e-3
    muon: bool = False  # Muon for the matrices of the blocks, AdamW for the rest (see optimiser.py)
    betas: list[float] = field(default_factory=lambda: [0.9, 0.98])
    weight_decay: float = 0.05
    clip: float = 1.0
    warmup_steps: int = 300
    total_steps: int = 3000
    decay_steps: int = 750
    ema: float = 0.999
    batch_tokens: int = 4096
    micro_batches: int = 1  # batches of batch_tokens whose gradients are summed for one update: small ones stay in a CPU's cache


@dataclass
class RunConfig:
    name: str = "run"
    about_data: str = "see the run's config"  # one phrase for the model card
    seed: int = 1
    device: str = "cpu"  # or "cuda"
    bf16: bool = False
    compile: bool = False  # worth it on a GPU
    threads: int = 2
    log_seconds: float = 20.0
    checkpoint_seconds: float = 300.0
    validate_seconds: float = 600.0
    validate_documents: int = 300
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    corruption: CorruptionConfig = field(default_factory=CorruptionConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)


def load_config(path: Path | str) -> RunConfig:
    """Read a TOML file into a RunConfig. Raises ValueError on a key that no dataclass has."""
    with open(path, "rb") as file:
        return from_dict(RunConfig, tomllib.load(file))


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """Build dataclass `kind` from nested dicts, strictly."""
    known = {f.name: f for f in fields(kind)}
    unknown = set(values) - set(known)
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(unknown)}; known: {sorted(known)}")
    default = kind()
    arguments = {}
    for name, value in values.items():
        current = getattr(default, name)
        if is_dataclass(current):
            value = from_dict(type(current), value)
        elif name == "mix":
            value = [from_dict(MixRule, rule) for rule in value]
        arguments[name] = value
    return kind(**arguments)


def to_dict(config: Any) -> dict[str, Any]:
    return asdict(config)
