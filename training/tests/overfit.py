"""A tiny model that knows four sentences by heart: shows that the trainer learns, and lets other runtimes show that they can sample.

`python -m training.tests.overfit --out test/fixtures/overfit` trains it (under a minute) and writes a model folder and sentences.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from training.config import CorruptionConfig, DataConfig, ModelConfig, OptimiserConfig, RunConfig
from training.documents import Document
from training.model_folder import Description, write_folder, write_json
from training.pack import pack
from training.styles import STYLES
from training.tokenizer import STYLE_IDS, TEXT, TextEncoder, train_tokenizer
from training.train import Trainer

SENTENCES: tuple[tuple[str, str], ...] = (
    ("product", "The copper kettle sings when the water is ready for your tea."),
    ("story", "A small grey fox slept under the old bridge until the rain stopped."),
    ("sms", "Hi Anna, your bike is repaired and we are open until six today."),
    ("headline", "River path opens again after two years of quiet repairs"),
)


def overfit(folder: Path, steps: int = 400, seed: int = 1) -> tuple[Trainer, str, list[float]]:
    """Train on SENTENCES; returns the trainer, the tokenizer's JSON and the loss of each step (nats per token)."""
    tokenizer_json = train_tokenizer([text for _, text in SENTENCES] * 4, 400).to_str()
    encoder = TextEncoder(tokenizer_json)
    data = DataConfig(
        buckets=[32, 48], max_canvas=48, short_canvas=48, next_bucket_share=0.0, tight_share=1.0, style_drop=0.3, cut_share=0.0,
    )
    pack([Document(text, style, style) for style, text in SENTENCES] * 32, encoder, data, folder)
    config = RunConfig(
        name="overfit", seed=seed, threads=1,
        model=ModelConfig(d_model=96, n_layers=3, n_heads=3, n_kv_heads=3, mlp_hidden_size=256, vocab_size=encoder.size, max_sequence_length=64),
        corruption=CorruptionConfig(),
        optimiser=OptimiserConfig(
            learning_rate=3e-3, warmup_steps=30, total_steps=steps, decay_steps=steps // 3, batch_tokens=512, weight_decay=0.0, ema=0.98,
        ),
    )
    trainer = Trainer(config, folder)
    losses = [trainer.train_step()["loss"] for _ in range(steps)]
    return trainer, tokenizer_json, losses


def export(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trainer, tokenizer_json, losses = overfit(Path(folder))
    description = Description(
        id="overfit", title="Four sentences", description="Knows four sentences by heart, for tests.", licence="apache-2.0", styles=STYLES,
        training={"objective": "mdlm", "token_visits": trainer.visits, "device": "cpu", "hours": 0, "data": "four sentences"},
    )
    manifest = write_folder(out, trainer.averaged(), tokenizer_json, description)
    encoder = TextEncoder(tokenizer_json)
    write_json(out / "sentences.json", [
        {"style": style, "text": text, "prefix": [STYLE_IDS[style], TEXT], "tokens": encoder.encode(text)} for style, text in SENTENCES
    ])
    tail = sum(losses[-50:]) / 50
    print(f"{out}: {manifest['parameters']:,} parameters, {manifest['weights'][0]['bytes'] / 1e6:.2f} MB, loss of the last 50 steps {tail:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    export(parser.parse_args().out)
