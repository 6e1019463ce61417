"""Shared by the tests: the tiny corpus beside this file, a tokenizer of it, and a packed data folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from training.config import DataConfig, MixRule, ModelConfig, OptimiserConfig, RunConfig
from training.documents import read_records
from training.pack import one_epoch, pack
from training.tokenizer import TextEncoder, train_tokenizer

CORPUS = Path(__file__).parent / "data"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # tiny matrices, and machines that do other things


@pytest.fixture(scope="session")
def tokenizer_json() -> str:
    return train_tokenizer([record["text"] for record in read_records(CORPUS / "train" / "sample.jsonl")], 500).to_str()


@pytest.fixture(scope="session")
def encoder(tokenizer_json: str) -> TextEncoder:
    return TextEncoder(tokenizer_json)


@pytest.fixture(scope="session")
def data_config() -> DataConfig:
    return DataConfig(mix=[MixRule(file="sample", times=2)], buckets=[16, 32, 64, 96, 128], max_canvas=128, short_canvas=96)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory, encoder: TextEncoder, tokenizer_json: str, data_config: DataConfig) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    pack(one_epoch(CORPUS, data_config), encoder, data_config, folder)
    return folder


@pytest.fixture
def run_config(encoder: TextEncoder) -> RunConfig:
    return RunConfig(
        name="test", threads=1,
        model=ModelConfig(
            d_model=32, n_layers=2, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=encoder.size, max_sequence_length=128
        ),
        optimiser=OptimiserConfig(learning_rate=2e-3, warmup_steps=5, total_steps=60, decay_steps=15, batch_tokens=512),
    )
