"""The pages say what the figures say: rendered again, they are the files in the repository."""

import copy
import json

import pytest

from training.card import one_line, render_card
from training.evaluation.pages import verdict
from training.report import read_sections, render_evaluation, render_plots
from training.tests.conftest import REPOSITORY

EVALUATION = REPOSITORY / "docs" / "evaluation"
MODEL = REPOSITORY / "models" / "default"


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads((MODEL / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sections() -> dict[str, dict]:
    return read_sections(EVALUATION)


def test_the_evaluation_page_is_what_its_figures_give(manifest, sections) -> None:
    assert (REPOSITORY / "docs" / "evaluation.md").read_text(encoding="utf-8") == render_evaluation(manifest, sections)


def test_the_model_card_is_what_its_figures_give(manifest, sections) -> None:
    assert (MODEL / "README.md").read_text(encoding="utf-8") == render_card(manifest, sections)


def test_the_plots_are_what_their_figures_give(sections) -> None:
    for name, svg in render_plots(sections).items():
        assert (EVALUATION / name).read_text(encoding="utf-8") == svg, name


def test_figures_of_another_model_are_refused(manifest, sections, tmp_path) -> None:
    with pytest.raises(ValueError, match="revision"):
        render_evaluation(manifest | {"revision": "0"}, sections)
    for name, section in sections.items():
        changed = section | {"revision": "0"} if name == "styles" else section
        (tmp_path / f"{name}.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ValueError, match="different models"):
        read_sections(tmp_path)
    (tmp_path / "claims.json").unlink()
    with pytest.raises(ValueError, match="claims.json"):
        read_sections(tmp_path)


def test_a_changed_figure_changes_the_pages(manifest, sections) -> None:
    changed = copy.deepcopy(sections)
    changed["styles"]["rows"][2]["accuracy"]["mean"] += 0.05
    assert render_evaluation(manifest, changed) != render_evaluation(manifest, sections)
    assert render_plots(changed)["guidance.svg"] != render_plots(sections)["guidance.svg"]


def test_everything_that_was_generated_is_shown(sections) -> None:
    samples = sections["samples"]
    assert {len(texts) for texts in samples["styles"].values()} == {10}
    for name, read in sections["reading"]["styles"].items():
        assert read["samples"] == len(samples["styles"][name]) and 0 <= read["grammatical"] <= read["samples"]
        assert read["prompts"] == sum(p["style"] == name for p in samples["prompts"]) and 0 <= read["on_subject"] <= read["prompts"]
    assert set(sections["reading"]["styles"]) == set(samples["styles"])


@pytest.mark.parametrize(("better", "worse", "expected"), [(90, 100, "supported"), (99, 100, "no difference"), (110, 100, "refuted")])
def test_a_verdict_follows_from_the_figures(better, worse, expected) -> None:
    assert verdict(better, worse) == expected


def test_a_sample_cannot_break_the_card() -> None:
    assert one_line("*a* <b>\n# c|d") == r"\*a\* \<b\> / \# c\|d"
    assert one_line("") == "(empty)"
