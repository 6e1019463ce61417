import json
import math

import numpy as np
import pytest
import torch

from training.config import ModelConfig
from training.documents import read_records
from training.evaluation import claims, generated, text_statistics
from training.evaluation.prompted import content_words, facts_shown, words_shown
from training.evaluation.requests import all_requests
from training.evaluation.style_classifier import Example, StyleClassifier, features
from training.evaluation.trigram import Trigram
from training.evaluation.twin import conditioning, sample, score
from training.likelihood import as_batch, canvases_of, masked_scores, share_of_text, span_of_text
from training.model import LLaDAModelLM
from training.objective import FIRST_TEXT_ID
from training.styles import STYLES
from training.tests.conftest import CORPUS
from training.tokenizer import EOS, STYLE_IDS, TEXT


@pytest.fixture
def twin(encoder) -> LLaDAModelLM:
    torch.manual_seed(3)
    config = ModelConfig(d_model=32, n_layers=2, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=encoder.size, max_sequence_length=128)
    return LLaDAModelLM(config).eval()


def test_text_statistics_by_hand() -> None:
    texts = [[1, 2, 1, 2, 1, 2], [3, 3]]
    p = np.array([3, 3, 2]) / 8
    assert text_statistics.unigram_entropy(texts) == pytest.approx(-(p * np.log(p)).sum())
    assert text_statistics.distinct(texts, 2) == pytest.approx(3 / 6)  # 12, 21, 33 of five and one pairs
    assert text_statistics.repeated(texts, 4) == pytest.approx(1 / 3)  # 1212, 2121, 1212
    assert text_statistics.repeated([[1, 2]], 4) == 0


def test_the_trigram_model_is_witten_and_bells_by_hand_and_sums_to_one() -> None:
    model = Trigram([np.array([7, 8, 7]), np.array([7, 9])], vocabulary=10)
    # Unigrams: 7 three times, 8 and 9 once; five tokens, three kinds.
    one = {w: (c + 3 * 0.1) / 8 for w, c in {7: 3, 8: 1, 9: 1, 5: 0}.items()}
    # Behind 7: 8 and 9 once each, two kinds. Behind <|text|> 7: the same two.
    two = {w: (c + 2 * one[w]) / 4 for w, c in {8: 1, 9: 1, 7: 0, 5: 0}.items()}
    three = {w: (c + 2 * two[w]) / 4 for w, c in {8: 1, 9: 1, 7: 0, 5: 0}.items()}
    for token, expected in three.items():
        assert math.exp(-model.nats([7, token])[1]) == pytest.approx(expected)
    for history in ([], [7], [7, 8], [2, 3], [9]):
        assert sum(math.exp(-model.nats([*history, w])[-1]) for w in range(10)) == pytest.approx(1)


def test_the_trigram_model_reads_the_texts_of_canvases(data_dir, encoder) -> None:
    model = Trigram.of_canvases(data_dir, encoder.size)
    (known, *_), strange = [encoder.encode(r["text"]) for r in read_records(CORPUS / "train" / "sample.jsonl")], [300] * 12
    assert model.nats(known).mean() < 2 < model.nats(strange).mean()


def test_the_classifier_learns_styles_and_reads_no_further_than_samples_go(encoder) -> None:
    stories = [Example(f"once there was a fox number {i} who slept in the wood.", "story") for i in range(40)]
    headlines = [Example(f"Bridge {i} opens again", "headline") for i in range(30)]
    classifier = StyleClassifier(encoder, ["story", "headline"])
    classifier.fit(stories[:30] + headlines[:20], per_style=60)
    held_out = stories[30:] + headlines[20:]
    assert classifier.accuracy(held_out) == {"mean": 1.0, "texts": 20, "by_style": {"story": 1.0, "headline": 1.0}}
    swapped = [Example(e.text, "headline" if e.style == "story" else "story") for e in held_out]
    assert classifier.accuracy(swapped)["mean"] == 0.0
    long = "a fox " * 200
    assert features(long, encoder) == features(long + "and a headline", encoder)


def test_content_words_and_facts() -> None:
    assert content_words("Write a short product description for Anna's folding chairs") == {"anna", "fold", "chair"}
    assert words_shown(["red chairs", "Write a text"], ["A chair, folded.", "nothing"]) == pytest.approx(0.5)  # the second asks for nothing
    assert facts_shown([{"price": "19 €", "name": "Oak"}, {}], ["oak table for 19 €", ""]) == 1
    assert facts_shown([{"price": "19 €", "name": "Oak"}], ["for 18 €, of oak"]) == 0.5


def test_the_twin_draws_the_same_texts_alone_and_in_company(twin, encoder) -> None:
    prefixes = [conditioning("story", None, encoder), conditioning("sms", None, encoder), conditioning("sms", "hello there", encoder)]
    together = sample(twin, prefixes, 12, 1.0, 5, may_end=False)
    assert [len(text) for text in together] == [12] * 3 and min(min(text) for text in together) >= FIRST_TEXT_ID
    assert sample(twin, prefixes[:1], 12, 1.0, 5, may_end=False) == together[:1]
    assert sample(twin, prefixes[:1], 12, 1.0, 6, may_end=False) != together[:1]
    ended = sample(twin, prefixes, 100, 1.0, 5, may_end=True)
    assert all(EOS not in text for text in ended)


def test_a_score_is_the_sum_of_next_token_costs(twin, encoder) -> None:
    scores = score(twin, ["story", "sms"], ["The fox slept.", ""], encoder)
    ids = [STYLE_IDS["story"], TEXT, *encoder.encode("The fox slept.")]
    with torch.no_grad():
        logits = twin.logits(twin.hidden(torch.tensor([ids]), causal=True))[0, 1:-1]
    logits[:, 0] = float("-inf")
    by_hand = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[2:]), reduction="none").numpy()
    assert scores.by_position[0] == pytest.approx(by_hand, rel=1e-4)
    assert scores.tokens.tolist() == [len(ids) - 2, 0] and scores.bytes.tolist() == [14, 0]
    assert scores.perplexity == pytest.approx(math.exp(by_hand.mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("length", "phrase", "text", "expected"),
    [
        ({"unit": "characters", "min": 5, "max": 8}, "é", "café au", True),
        ({"unit": "characters", "min": 5, "max": 6}, "é", "café au", False),
        ({"unit": "words", "exact": 3}, "OAK", "an oak — tree", True),
        ({"unit": "words", "exact": 3}, "elm", "an oak tree", False),
        ({"unit": "sentences", "exact": 2}, "open", "We are open. (Really?)", True),
        ({"unit": "sentences", "exact": 2}, "open", "We are open at 9.30 today", False),
    ],
)
def test_what_must_hold_is_counted_plainly(length, phrase, text, expected) -> None:
    assert generated.holds({"length": length, "phrase": phrase}, text) is expected


def test_spans_and_shares_are_chosen_in_the_text() -> None:
    text = np.zeros((2, 40), dtype=bool)
    text[:, 3:33] = True
    text[1, 8:] = False
    rngs = [np.random.default_rng(i) for i in range(2)]
    spans = span_of_text(16)(text, rngs)
    assert spans.sum(axis=1).tolist() == [16, 0] and not (spans & ~text).any()
    assert np.ptp(np.flatnonzero(spans[0])) == 15
    assert share_of_text(0.3)(text, rngs).sum(axis=1).tolist() == [9, 2]


def test_a_shifted_model_is_measured_where_it_is_read(encoder) -> None:
    """The figures of a shifted model are those of its own logits one position before the mask."""
    torch.manual_seed(4)
    config = ModelConfig(d_model=32, n_layers=1, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=encoder.size, shift=1)
    model = LLaDAModelLM(config).eval()
    (canvas,) = canvases_of([{"text": "The copper kettle sings.", "style": "product"}], encoder, 64)
    batch = as_batch([canvas])
    mask = np.zeros_like(batch.maskable)
    mask[0, [4, 6]] = True
    _, nats, _ = masked_scores(model, batch, mask)
    ids = batch.ids.copy()
    ids[mask] = 0
    with torch.no_grad():
        logits = model(torch.from_numpy(ids))[0, [3, 5]]
    logits[:, 0] = float("-inf")
    assert nats == pytest.approx(torch.nn.functional.cross_entropy(logits, torch.from_numpy(batch.ids[0, [4, 6]]), reduction="none").numpy(), rel=1e-4)


def test_exposure_is_the_difference_by_position() -> None:
    own, real = [np.array([1.0] * 8 + [3.0] * 8)], [np.ones(16), np.ones(16)]
    assert [row["excess"] for row in claims.exposure(own, real)] == [0.0, 2.0]


def test_editing_and_coherence_of_an_untrained_model_show_nothing(twin, encoder) -> None:
    records = [{"text": r["text"] * 6, "style": "story"} for r in read_records(CORPUS / "valid.jsonl")]
    canvases = canvases_of(records, encoder, 128)
    edit = claims.editing(twin, canvases, 0.2, 0)
    assert abs(edit["auc"] - 0.5) < 0.12 and edit["repaired"] < 0.1 and abs(edit["wrong"] / edit["tokens"] - 0.2) < 0.04
    holes = claims.coherence(twin, twin, canvases, 4)
    assert holes["documents"] == 4
    for side in ("both_sides", "left_only", "twin_left_only"):
        assert holes[side]["nats_per_token"] == pytest.approx(math.log(encoder.size), abs=0.3)


def test_requests_cover_every_style_and_hold_out_what_they_ask(tmp_path) -> None:
    record = {"text": "Hi Anna.", "style": "sms", "prompt": "text Anna about the bicycle", "facts": {"name": "Anna"}}
    path = tmp_path / "valid.jsonl"
    path.write_text(json.dumps(record) + "\n" + json.dumps({"text": "No request.", "style": "story"}) + "\n", encoding="utf-8")
    lines = list(all_requests(path))
    by_set = {name: [line for line in lines if line["set"] == name] for name in ("styles", "samples", "prompts", "constrained", "samplers")}
    assert {line["style"] for line in by_set["styles"]} == {line["style"] for line in by_set["samples"]} == set(STYLES)
    assert len({json.dumps(line["request"]) for line in lines}) == len(lines), "no request twice"
    (prompt,), (held,) = by_set["prompts"], by_set["constrained"]
    assert prompt["request"]["prompt"] == record["prompt"] and "include" not in prompt["request"] and prompt["reference"] == "Hi Anna."
    assert held["request"]["include"] == [{"text": "bicycle", "case_sensitive": False}]
