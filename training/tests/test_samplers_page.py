"""docs/samplers.md and its plot say what the benches printed; the scores behind it are what they claim to be."""

import copy
import json

import numpy as np
import pytest

from training.model_folder import read_folder
from training.reference_loop import generate, quotas
from training.samplers_page import render_page, render_plot
from training.score import figures
from training.tests.conftest import REPOSITORY
from training.tokenizer import MASK, TEXT, TextEncoder

FIGURES = REPOSITORY / "docs" / "figures"
MODEL = REPOSITORY / "models" / "default"


@pytest.fixture(scope="module")
def reports() -> tuple[dict, dict]:
    sampler, reference = (json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8")) for name in ("sampler", "reference"))
    return sampler, reference


def test_the_page_and_its_plot_are_what_the_figures_give(reports) -> None:
    assert (REPOSITORY / "docs" / "samplers.md").read_text(encoding="utf-8") == render_page(*reports)
    assert (FIGURES / "samplers.svg").read_text(encoding="utf-8") == render_plot(reports[0])


def test_a_changed_figure_changes_page_and_plot(reports) -> None:
    sampler, reference = copy.deepcopy(reports)
    row = next(row for row in sampler["rows"] if row["set"] == "low-confidence 32")
    row["perplexity"] += 1
    assert render_page(sampler, reference) != render_page(*reports)
    assert render_plot(sampler) != render_plot(reports[0])


def test_perplexity_is_that_of_all_tokens_together_and_its_error_shrinks_with_texts() -> None:
    model, _ = read_folder(MODEL)
    encoder = TextEncoder.from_file(MODEL / "tokenizer.json")
    texts = ["Once upon a time there was a cat.", "The order has been shipped and will arrive on Monday.", "No."]
    lines = [{"set": "a", "style": "story", "text": text} for text in texts]
    one = figures(model, encoder, lines)["a"]
    each = [figures(model, encoder, [line])["a"] for line in lines]
    tokens = [len(encoder.encode(text)) for text in texts]
    mean = sum(np.log(part["perplexity"]) * count for part, count in zip(each, tokens, strict=True)) / sum(tokens)
    assert one["perplexity"] == pytest.approx(np.exp(mean), rel=1e-5)
    four_times = figures(model, encoder, lines * 4)["a"]
    assert four_times["perplexity"] == pytest.approx(one["perplexity"])
    assert four_times["perplexity_error"] == pytest.approx(one["perplexity_error"] / 2)


def test_the_plain_loop_fills_every_mask_with_text_and_repeats_itself_at_one_seed() -> None:
    import torch

    model, _ = read_folder(MODEL)
    assert quotas(10, 4) == [3, 3, 2, 2]

    def text(seed: int, **changes: object) -> list[int]:
        settings = {"tokens": 12, "steps": 6, "block": 12, "temperature": 1.0} | changes
        return generate(model, [5, TEXT], generator=torch.Generator().manual_seed(seed), **settings)

    ids = text(1)
    assert len(ids) == 12 and MASK not in ids and min(ids) > TEXT
    assert text(1) == ids
    assert text(2) != ids
    assert text(1, temperature=0) == text(2, temperature=0)
    assert text(1, block=4, steps=6) != ids
