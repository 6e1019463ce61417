import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors import safe_open

from training.card import render_card
from training.config import ModelConfig
from training.documents import read_records
from training.evaluate import infilling, likelihood
from training.likelihood import autoregressive_nats, bits_per_byte, canvases_of, infill, nelbo, share_of_text, span_of_text
from training.model import LLaDAModelLM, rotary_tables, rotate
from training.model_folder import Description, read_folder, write_folder
from training.reference import BATCHES, make_canvases, reference_of
from training.styles import STYLES
from training.tests.conftest import CORPUS, REPOSITORY
from training.tokenizer import MASK, TextEncoder

FIXTURES = REPOSITORY / "test" / "fixtures"
DESCRIPTION = Description(
    id="t", title="T", description="For a test.", licence="apache-2.0", styles=STYLES,
    training={"objective": "mdlm", "token_visits": 1, "steps": 1, "device": "cpu", "hours": 0.0, "data": "x", "config": "first", "seed": 1},
)


@pytest.fixture
def model(encoder) -> LLaDAModelLM:
    torch.manual_seed(1)
    config = ModelConfig(d_model=32, n_layers=2, n_heads=2, n_kv_heads=1, mlp_hidden_size=64, vocab_size=encoder.size, weight_tying=False, init_std=0.1)
    return LLaDAModelLM(config).eval()


def test_rotation_depends_on_the_distance_only() -> None:
    cos, sin = rotary_tables(64, 16, 10000.0)
    q, k = torch.randn(1, 1, 1, 16), torch.randn(1, 1, 1, 16)
    scores = [(rotate(q, cos[i : i + 1], sin[i : i + 1]) * rotate(k, cos[i + 5 : i + 6], sin[i + 5 : i + 6])).sum().item() for i in (0, 7, 50)]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-4)
    by_hand = q[0, 0, 0, 0] * math.cos(3.0) - q[0, 0, 0, 8] * math.sin(3.0)  # first plane turns one radian a position; halves, not pairs
    assert rotate(q, cos[3:4], sin[3:4])[0, 0, 0, 0].item() == pytest.approx(by_hand.item(), abs=1e-5)


def test_local_heads_look_at_their_offset_from_the_first_step() -> None:
    torch.manual_seed(0)
    config = ModelConfig(d_model=320, n_layers=1, n_heads=5, n_kv_heads=5, mlp_hidden_size=64, vocab_size=500)
    model = LLaDAModelLM(config)
    transformer = model.model["transformer"]
    block = transformer["blocks"][0]
    h = block.attn_norm(transformer["wte"](torch.randint(0, 500, (1, 24))))
    q, k = (rotate(p(h).view(1, 24, 5, 64).transpose(1, 2), model.cos[:24], model.sin[:24]) for p in (block.q_proj, block.k_proj))
    weights = torch.softmax(q @ k.transpose(2, 3) / 8, dim=-1)[0]  # H x L x L
    for head, offset in enumerate((-1, 1, -2, 2)):
        at_offset = weights[head].diagonal(offset)[2:-2].mean().item()
        print(f"head {head}: weight at offset {offset}: {at_offset:.2f}")
        assert at_offset > 0.5


def test_padding_changes_nothing(model) -> None:
    ids = torch.randint(32, 200, (1, 20))
    padded = torch.cat((ids, torch.ones(1, 9, dtype=torch.long)), dim=1)
    keep = torch.arange(29)[None] < 20
    assert torch.allclose(model(ids), model(padded, keep)[:, :20], atol=1e-4)


def test_a_folder_reads_back_and_has_lladas_names(model, tokenizer_json, tmp_path) -> None:
    manifest = write_folder(tmp_path / "m", model, tokenizer_json, DESCRIPTION)
    again, same = read_folder(tmp_path / "m")
    assert same == manifest and asdict(again.config) | {"init_std": 0, "local_heads": 0} == asdict(model.config) | {"init_std": 0, "local_heads": 0}
    ids = torch.randint(0, 200, (2, 30))
    assert torch.allclose(model(ids), again(ids), atol=0.05)
    with safe_open(tmp_path / "m" / "model.safetensors", "pt") as file:
        names = set(file.keys())
        assert file.get_slice("model.transformer.wte.weight").get_dtype() == "F16"
        assert list(file.get_slice("model.transformer.blocks.1.k_proj.weight").get_shape()) == [16, 32]
    layer = {f"model.transformer.blocks.{n}.{part}.weight" for n in (0, 1) for part in (
        "attn_norm", "ff_norm", "q_proj", "k_proj", "v_proj", "attn_out", "ff_proj", "up_proj", "ff_out")}
    assert names == layer | {"model.transformer.wte.weight", "model.transformer.ln_f.weight", "model.transformer.ff_out.weight"}
    assert [s["token"] for s in manifest["styles"]] == list(range(6, 30))


def test_large_weights_go_into_several_files_with_an_index(model, tokenizer_json, tmp_path) -> None:
    whole = write_folder(tmp_path / "whole", model, tokenizer_json, DESCRIPTION)
    parts = write_folder(tmp_path / "parts", model, tokenizer_json, DESCRIPTION, file_bytes=40_000)
    assert len(whole["weights"]) == 1 and len(parts["weights"]) > 2 and parts["revision"] != whole["revision"]
    assert all(w["bytes"] < 45_000 and (tmp_path / "parts" / w["file"]).stat().st_size == w["bytes"] for w in parts["weights"])
    again, _ = read_folder(tmp_path / "parts")
    same, _ = read_folder(tmp_path / "whole")
    for name, tensor in same.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    index = json.loads((tmp_path / "parts" / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(model.state_dict())
    assert write_folder(tmp_path / "parts", model, tokenizer_json, DESCRIPTION)["weights"] == whole["weights"]
    assert sorted(p.name for p in (tmp_path / "parts").glob("*.safetensors*")) == ["model.safetensors"]


def test_a_tied_folder_has_no_second_vocabulary_matrix() -> None:
    model = LLaDAModelLM(ModelConfig(d_model=32, n_layers=1, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=100))
    assert "model.transformer.ff_out.weight" not in model.state_dict()


def test_the_nelbo_of_a_uniform_model_is_known(encoder) -> None:
    canvases = canvases_of(read_records(CORPUS / "valid.jsonl"), encoder, 128)
    model = LLaDAModelLM(ModelConfig(d_model=32, n_layers=1, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=encoder.size))
    torch.nn.init.zeros_(model.model["transformer"]["wte"].weight)
    nats = nelbo(model, canvases, draws=3)
    expected = np.array([(len(c.ids) - c.prefix) * math.log(encoder.size - 1) for c in canvases])
    assert np.allclose(nats, expected, rtol=1e-5) and np.allclose(autoregressive_nats(model, canvases), expected, rtol=1e-5)
    assert bits_per_byte(nats, canvases) == pytest.approx(expected.sum() / math.log(2) / sum(c.bytes for c in canvases))


def test_figures_are_the_same_a_second_time_and_in_other_batches(model, encoder) -> None:
    canvases = canvases_of(read_records(CORPUS / "valid.jsonl"), encoder, 128)
    assert np.allclose(nelbo(model, canvases, batch_tokens=8192), nelbo(model, canvases, batch_tokens=40), rtol=1e-4)
    assert infill(model, canvases, share_of_text(0.5), 0) == infill(model, canvases, share_of_text(0.5), 0)
    assert likelihood(model, canvases, "mdlm", 2, 0) == likelihood(model, canvases, "mdlm", 2, 0)
    assert infilling(model, canvases, 0) == infilling(model, canvases, 0)


def test_long_validation_texts_are_cut_and_their_bytes_counted(encoder) -> None:
    text = "Ölmühle und naïve soufflés. " * 30
    (canvas,) = canvases_of([{"text": text, "style": "story"}], encoder, 64)
    assert len(canvas.ids) == 64
    assert canvas.bytes == len(encoder.decode(canvas.ids[2:]).encode())


def test_the_card_refuses_figures_of_another_model(model, tokenizer_json, tmp_path) -> None:
    manifest = write_folder(tmp_path / "m", model, tokenizer_json, DESCRIPTION)
    assert "Not measured yet" in render_card(manifest, None)
    with pytest.raises(ValueError, match="revision"):
        render_card(manifest, {"likelihood": {"revision": "0"}})


@pytest.mark.parametrize(
    ("folder", "fixture"),
    [
        (REPOSITORY / "models" / "default", FIXTURES / "reference-logits.json"),
        (FIXTURES / "tiny-llada" / "tied", FIXTURES / "tiny-llada" / "tied" / "reference-logits.json"),
        (FIXTURES / "tiny-llada" / "untied", FIXTURES / "tiny-llada" / "untied" / "reference-logits.json"),
    ],
    ids=["default", "tied", "untied"],
)
def test_the_reference_logits_are_of_the_model_that_ships(folder, fixture) -> None:
    stored = json.loads(fixture.read_text())
    made = reference_of(folder, len(stored["canvases"]))
    assert stored["revision"] == made["revision"]
    largest = 0.0
    for old, new in zip(stored["canvases"], made["canvases"], strict=True):
        assert old["ids"] == new["ids"]
        for a, b in zip(old["rows"], new["rows"], strict=True):
            assert (a["position"], a["ids"]) == (b["position"], b["ids"])
            largest = max(largest, np.abs(np.array(a["logits"]) - b["logits"]).max(), abs(a["logsumexp"] - b["logsumexp"]))
    print(f"largest difference {largest:.1e}")
    assert largest < 1e-3


@torch.no_grad()
def test_padded_batches_of_the_reference_give_the_rows_of_single_canvases() -> None:
    folder = FIXTURES / "tiny-llada" / "tied"
    model, _ = read_folder(folder)
    canvases = make_canvases(TextEncoder.from_file(folder / "tokenizer.json"), model.config.vocab_size)
    for batch in BATCHES:
        longest = max(len(canvases[i]) for i in batch)
        ids = torch.tensor([canvases[i] + [1] * (longest - len(canvases[i])) for i in batch])
        keep = torch.arange(longest)[None] < torch.tensor([len(canvases[i]) for i in batch])[:, None]
        logits = model(ids, keep)
        for row, i in enumerate(batch):
            alone = model(torch.tensor([canvases[i]]))[0]
            assert torch.allclose(alone, logits[row, : len(canvases[i])], atol=1e-3)


def test_reference_canvases_have_masks_and_every_length(encoder) -> None:
    canvases = make_canvases(encoder, encoder.size)
    assert len(canvases) == 32 and {len(c) for c in canvases} >= {8, 64, 128, 256} and all(MASK in c for c in canvases)
