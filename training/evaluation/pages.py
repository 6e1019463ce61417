"""The sections of docs/evaluation.md and the model card in Markdown, each from its figures, verdicts included. No links, no pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PREVIOUS = "first-model"  # what the figures are compared with
NOTABLE = 0.03  # relative difference below which a claim's figures count as equal
NOTABLE_NATS = 0.1


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def likelihood_text(s: dict[str, dict]) -> str:
    now, before, twin = s["likelihood"], s[PREVIOUS], s["likelihood"]["twin"]
    change = 1 - now["bits_per_byte"] / before["bits_per_byte"]
    styles = table(
        ("style", "documents", "this model", "first model", "twin"),
        (
            (name, v["documents"], f"{v['bits_per_byte']:.3f}", f"{before['by_style'][name]['bits_per_byte']:.3f}", f"{twin['by_style'][name]['bits_per_byte']:.3f}")
            for name, v in now["by_style"].items()
        ),
    )
    return f"""## Likelihood

Bits per byte over {now['documents']:,} documents of the corpus's validation split ({now['bytes']:,} bytes), each as `[style] <|text|> text <|eos|>`
up to the context, float32 on the weights as shipped. For the diffusion models the NELBO, an upper bound: {now['draws']} stratified draws a
document with a fixed count of masks in each (LLaDA's low-variance form). For the twin the exact likelihood. A bound against an exact figure: the twin's is lower by nature, by how much is the price of any order.

{table(("model", "bits per byte", "standard error", "nats per token"), (
    ("this model", f"{now['bits_per_byte']:.4f}", now["bits_per_byte_standard_error"], f"{now['nats_per_token']:.3f}"),
    ("first model", f"{before['bits_per_byte']:.4f}", before["bits_per_byte_standard_error"], f"{before['nats_per_token']:.3f}"),
    ("autoregressive twin", f"{twin['bits_per_byte']:.4f}", twin["bits_per_byte_standard_error"], f"{twin['nats_per_token']:.3f}"),
))}

Against the first model: {percent(change)} fewer bits per byte.

{styles}"""


def infill_text(s: dict[str, dict]) -> str:
    now, before = s["infill"], s[PREVIOUS]["infill_top1"]
    rows = [(f"{percent(float(share))} of the tokens", percent(v["top1"]), percent(before[share]), percent(v["exact"])) for share, v in now["shares"].items()]
    rows += [(f"a span of {size}", percent(v["top1"]), "", percent(v["exact"])) for size, v in now["spans"].items()]
    return f"""## Infilling

Masked text tokens of {now['shares']['0.15']['texts']:,} validation texts, filled with the likeliest token, all at one evaluation. *Exact*: texts in which every one was right.

{table(("masked", "top-1", "first model", "exact"), rows)}"""


def samplers_text(s: dict[str, dict]) -> str:
    section = s["samplers"]
    rows = [
        (
            row["source"], row["steps"] or "", row["twin_perplexity"], row["trigram_perplexity"], row["unigram_entropy"], row["distinct_2"],
            percent(row["repeated_4"]), row["tokens_per_evaluation"] or "",
        )
        for row in section["rows"]
    ]
    return f"""## Generated text: steps and samplers

Texts of exactly {section['tokens']} tokens in the styles {', '.join(section['styles'])}, through the API, temperature 1. Perplexity under the twin
(per token, in the tokenizer's own cut) and under a trigram model of the training texts that is neither of the two; entropy of the
pooled tokens in nats; different pairs among all; 4-grams that had occurred earlier in the same text. Perplexity alone can be gamed by
repeating oneself: read it beside the others.

{table(("source", "steps", "perplexity, twin", "perplexity, trigram", "entropy", "distinct-2", "repeated 4-grams", "tokens per evaluation"), rows)}

"""


def styles_text(s: dict[str, dict]) -> str:
    section = s["styles"]
    rows = [
        (row["guidance"], percent(row["accuracy"]["mean"]), row["twin_perplexity"], row["unigram_entropy"], row["distinct_2"], percent(row["repeated_4"]))
        for row in section["rows"]
    ]
    by_style = table(
        ("style", "real text", *(f"guidance {row['guidance']}" for row in section["rows"])),
        (
            (name, percent(real), *(percent(row["accuracy"]["by_style"][name]) for row in section["rows"]))
            for name, real in section["classifier"]["by_style"].items()
        ),
    )
    gain = accuracy_at(section, 2) / accuracy_at(section, 0)
    return f"""## Styles

A linear classifier over tokens and pairs, trained on the corpus, tells the {len(section['classifier']['by_style'])} styles of held-out real texts apart in
{percent(section['classifier']['mean'])} of cases (mean over styles, {section['classifier']['texts']:,} texts, first 40 tokens). The same classifier on generated texts of at
most 40 tokens, temperature {section['temperature']}, the API's own sampler, ten of each style:

{table(("guidance", "style accuracy", "perplexity, twin", "entropy", "distinct-2", "repeated 4-grams"), rows)}

Guidance 2 gives {gain:.2f} times the accuracy of guidance 0.

{by_style}"""


def accuracy_at(section: dict, guidance: int) -> float:
    return next(row["accuracy"]["mean"] for row in section["rows"] if row["guidance"] == guidance)


def prompts_text(s: dict[str, dict]) -> str:
    section = s["prompts"]
    rows = [(name, percent(section[name]["content_words"]), percent(section[name]["facts"])) for name in ("model", "twin", "another request", "real text")]
    return f"""## Requests

{section['requests']} held-out requests of the product's registers, sampled likewise with guidance 1, no constraint but the canvas. Shown: the mean share of a request's
content words that stand in the answer, and of the values that the real text has word for word. *Another request*: this model's answer
to the next request of the same style; what it shows is no answer at all.

{table(("text", "content words", "facts"), rows)}

Where it matters that a word appears, ask for it: `include` and `facts` hold on every answer."""


def constrained_text(s: dict[str, dict]) -> str:
    section = s["constrained"]
    return f"""## Lengths and phrases

The same requests with 90 to 120 characters, exactly 15 words or exactly two sentences in turn, and the longest word of the request as a phrase
that must appear. Held, by plain counts that are not the engine's: **{percent(section['held'])}** of {section['answered']} answers ({section['requests'] - section['answered']}
of {section['requests']} requests refused). The twin, given the same requests and no constraint, meets them by chance in {percent(section['twin_held'])}. Perplexity of the
constrained answers under the twin: {section['model']['twin_perplexity']}."""


def verdict(better: float, worse: float) -> str:
    """`better` is expected to be the lower figure."""
    if better < worse * (1 - NOTABLE):
        return "supported"
    return "refuted" if better > worse * (1 + NOTABLE) else "no difference"


def row_of(section: dict, source: str, steps: int) -> dict:
    return next(row for row in section["rows"] if row["source"] == source and row["steps"] == steps)


def claims_text(s: dict[str, dict]) -> str:
    claims, samplers = s["claims"], s["samplers"]
    steps = max(row["steps"] for row in samplers["rows"] if row["source"] == "remdm")
    off, on = row_of(samplers, "ancestral", steps), row_of(samplers, "remdm", steps)
    edit, holes = claims["editing"], claims["coherence"]
    drift = {name: drift_of(rows) for name, rows in claims["exposure"].items()}
    less = drift["ancestral"] - drift["twin"]
    few, many = row_of(samplers, "low-confidence", 8), row_of(samplers, "low-confidence", 64)
    return f"""## Claims, one by one

**Refinement fixes early mistakes: {verdict(on['twin_perplexity'], off['twin_perplexity'])}.** Ancestral sampling over {steps} steps with re-masking (ReMDM) has a
perplexity of {on['twin_perplexity']} under the twin, without {off['twin_perplexity']} (trigram: {on['trigram_perplexity']} and {off['trigram_perplexity']}); entropy {on['unigram_entropy']} and {off['unigram_entropy']}.
Shown texts with {percent(edit['wrong'] / edit['tokens'])} of tokens replaced at random and no mask, the model gives a wrong token a lower probability than a right one in
{percent(edit['auc'])} of pairs, names the original in {percent(edit['repaired'])} of the wrong places and leaves {percent(edit['left_alone'])} of the right ones alone; where it is at
least 90% sure of another token, {percent(edit['precision_at_0.9'])} of those tokens were wrong (it is that sure at {percent(edit['recall_at_0.9'])} of the wrong ones).

**Diffusion drifts less on its own text than the twin (exposure bias): {'supported' if less < -NOTABLE_NATS else 'refuted' if less > NOTABLE_NATS else 'no difference'}.** Nats per token of own
generations above real text at the same positions, under the trigram model: from the first half of {samplers['tokens']} tokens to the second they change by
{', '.join(f"{value:+.2f} ({name})" for name, value in drift.items())}. A difference of {NOTABLE_NATS} counts.

**Both sides help across a hole: {verdict(holes['both_sides']['nats_per_token'], holes['left_only']['nats_per_token'])}.** A hole of {holes['hole_tokens']} tokens in the middle of
{holes['documents']} texts, filled from the left: {holes['both_sides']['nats_per_token']} nats per token with both sides given, {holes['left_only']['nats_per_token']} with the left side
only (top-1 {percent(holes['both_sides']['top1'])} and {percent(holes['left_only']['top1'])}). The twin, that can only see the left: {holes['twin_left_only']['nats_per_token']}. Diffusion with both
sides against the twin: {verdict(holes['both_sides']['nats_per_token'], holes['twin_left_only']['nats_per_token'])}.

**Fewer steps cost quality: {verdict(many['twin_perplexity'], few['twin_perplexity'])}.** Low-confidence sampling at 8 steps has a perplexity of {few['twin_perplexity']} under the twin, at 64 steps
{many['twin_perplexity']} (trigram: {few['trigram_perplexity']} and {many['trigram_perplexity']}; repeated 4-grams {percent(few['repeated_4'])} and {percent(many['repeated_4'])})."""


def drift_of(rows: Sequence[dict]) -> float:
    """Mean excess over real text in the second half of the positions, less that in the first."""
    half = len(rows) // 2
    first, second = (sum(row["excess"] for row in part) / len(part) for part in (rows[:half], rows[half:]))
    return second - first


def reading_text(s: dict[str, dict]) -> str:
    reading = s["reading"]
    rows = [
        (name, f"{v['grammatical']} of {v['samples']}", f"{v['on_subject']} of {v['prompts']}") for name, v in reading["styles"].items()
    ]
    total = [sum(v[key] for v in reading["styles"].values()) for key in ("grammatical", "samples", "on_subject", "prompts")]
    return f"""## Read, text by text

{reading['how']} Grammatical: {total[0]} of {total[1]} samples. On the subject: {total[2]} of {total[3]} answers.

{table(("style", "grammatical", "on the subject"), rows)}"""
