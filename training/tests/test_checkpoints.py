"""Checkpoints of other makers: the service's logits against transformers', for every layout it supports."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from training.tests.checkpoints import EOS, MASK, Checkpoint, llada, modernbert, qwen
from training.tests.conftest import REPOSITORY

CANVASES = (5, 23, 14, 31)  # lengths, of one padded batch
TOLERANCE = 1e-3  # largest difference of a logit, float32; the logits' deviation is about 1
BOUNDS = {"int8": 0.15, "int4": 0.6}  # root mean square of the differences relative to the logits' deviation; random weights, the hardest there are

LAYOUTS = {
    "llada": lambda folder: llada(folder, tied=False, biases=False, bf16=True, shards=3, key_heads=4),
    "llada, tied, biases, grouped keys": lambda folder: llada(folder, tied=True, biases=True, bf16=False, shards=1, key_heads=2),
    "dream": lambda folder: qwen(folder, "Dream", tied=False, bf16=True, shards=2, key_heads=2, old_config=True),
    "a2d-qwen2": lambda folder: qwen(folder, "a2d-qwen2", tied=True, bf16=False, shards=1, key_heads=1, old_config=False),
    "a2d-qwen3": lambda folder: qwen(folder, "a2d-qwen3", tied=True, bf16=True, shards=1, key_heads=2, old_config=False, head_dim=24),
    "a2d-qwen3, biases": lambda folder: qwen(
        folder, "a2d-qwen3", tied=False, bf16=False, shards=2, key_heads=4, old_config=True, head_dim=16, attention_bias=True
    ),
    "modernbert": lambda folder: modernbert(folder, layers=4, old_config=True),
    "modernbert, untied, its last layer local, of transformers 5": lambda folder: modernbert(
        folder, layers=3, old_config=False, tied=False, bf16=True, shards=2
    ),
}


def probe(questions: list[dict]) -> list:
    """What scripts/probe.ts answers, one process for all questions."""
    node = REPOSITORY / "node_modules" / ".bin" / "node"
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    run = subprocess.run([node, REPOSITORY / "scripts" / "probe.ts"], input=lines, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {name: make(root / str(i)) for i, (name, make) in enumerate(LAYOUTS.items())}


@pytest.fixture(scope="module")
def canvases() -> list[list[int]]:
    rng = np.random.default_rng(4)
    drawn = [rng.integers(2, MASK, length).tolist() for length in CANVASES]
    return [[MASK if i % 3 == 1 else EOS if i % 11 == 10 else token for i, token in enumerate(canvas)] for canvas in drawn]


@pytest.fixture(scope="module")
def answers(checkpoints, canvases) -> dict[tuple[str, str], list[np.ndarray]]:
    """By layout and precision: the logits of each canvas, length x V."""
    asked = [(name, precision) for name in checkpoints for precision in ("float32", *BOUNDS)]
    given = probe([{"folder": str(checkpoints[name].folder), "precision": precision, "canvases": canvases} for name, precision in asked])
    return {key: [np.array(rows) for rows in answer] for key, answer in zip(asked, given, strict=True)}


def errors(checkpoint: Checkpoint, canvases: list[list[int]], ours: list[np.ndarray]) -> tuple[float, float]:
    """Largest difference of a logit, and root mean square of the differences relative to the logits' deviation."""
    theirs = np.concatenate([logits.numpy() for logits in checkpoint.logits(canvases)])
    difference = np.concatenate(ours) - theirs
    return float(np.abs(difference).max()), float(np.sqrt((difference**2).mean()) / theirs.std())


@pytest.mark.parametrize("name", LAYOUTS)
def test_float32_gives_the_logits_of_transformers(name, checkpoints, canvases, answers) -> None:
    largest, _ = errors(checkpoints[name], canvases, answers[name, "float32"])
    assert largest < TOLERANCE


@pytest.mark.parametrize("precision", BOUNDS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_quantised_forms_stay_within_their_bounds(name, precision, checkpoints, canvases, answers) -> None:
    _, relative = errors(checkpoints[name], canvases, answers[name, precision])
    assert relative < BOUNDS[precision]
