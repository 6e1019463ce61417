"""Corpus records -> documents: one text with its style and what may stand before it (a request, facts).

A corpus is a folder with `train/NAME.jsonl.xz` and `valid.jsonl.xz`, one JSON object a line (`text`, `style`, `source`, and where
known `title`, `topic`, `keyword`, `mr`, `author`, `part`, `simplicity`, `prompt`, `facts`).
"""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from training.styles import DROPPED, style_of


@dataclass(frozen=True)
class Document:
    text: str
    style: str  # a name of STYLES or NO_STYLE
    raw_label: str
    prompts: tuple[str, ...] = ()  # requests that would lead to this text; one is drawn per repetition
    facts: dict[str, str] = field(default_factory=dict)  # values that the text holds
    begins: bool = True  # False where the text is a later piece of a longer one
    simplicity: float | None = None  # encyclopedia only: lower is simpler


def read_records(path: Path) -> Iterator[dict]:
    """Yield the JSON objects of one .jsonl.xz (or plain .jsonl) file."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def to_document(record: dict) -> Document | None:
    """One corpus record as a document; None where its label is dropped or its text is empty."""
    style = style_of(record["style"])
    text = record["text"].strip()
    if style == DROPPED or not text:
        return None
    facts = dict(record.get("facts") or {})
    if not facts and record.get("mr"):
        facts = parse_meaning_record(record["mr"])
    return Document(
        text=text,
        style=style,
        raw_label=record["style"],
        prompts=requests_for(record, style),
        facts={key: str(value) for key, value in facts.items()},
        begins=not record.get("part"),
        simplicity=record.get("simplicity"),
    )


def parse_meaning_record(mr: str) -> dict[str, str]:
    """`name: The Punter | food: Italian` -> {"name": "The Punter", "food": "Italian"} (E2E NLG's slot-value form)."""
    pairs = (part.split(":", 1) for part in mr.split("|") if ":" in part)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def facts_line(facts: dict[str, str], rng: random.Random | None = None) -> str:
    """`key: value; key: value`, in random order when a generator is given."""
    pairs = [f"{key}: {value}" for key, value in facts.items()]
    if rng is not None:
        rng.shuffle(pairs)
    return "; ".join(pairs)


# Titles, topics and keywords turned into short requests; {} is the title. Several, so that no wording is magic.
TITLE_REQUESTS: dict[str, tuple[str, ...]] = {
    "product": ("Write a product description of {}", "{}", "Describe {} for a shop"),
    "definition": ("What is {}?", "Explain {} in plain words", "{}"),
    "encyclopedia": ("{}", "Tell me about {}", "Encyclopedia entry on {}"),
    "news": ("{}", "News report: {}"),
    "story": ("A story: {}", "Write a story called {}", "{}"),
    "poem": ("A poem called {}", "{}", "Write a poem about {}"),
    "meta_description": ("Summary of a page called {}", "{}"),
    "notice_plain": ("Plain information: {}", "{}"),
    "notice_formal": ("Official page: {}", "{}"),
    "dialogue": ("A conversation about {}", "Two people talk about {}"),
    "review_positive": ("A good review of {}", "Review: {}"),
    "review_negative": ("A bad review of {}", "Review: {}"),
}
DEFAULT_REQUESTS = ("{}", "About {}")


def requests_for(record: dict, style: str) -> tuple[str, ...]:
    """The requests of a record: its own prompt, else its title, topic or keyword in words, else its author."""
    if record.get("prompt"):
        return (record["prompt"].strip(),)
    subject = record.get("title") or record.get("keyword") or record.get("topic")
    requests: list[str] = []
    if subject:
        subject = str(subject).replace("_", " ").strip()
        requests += [form.format(subject) for form in TITLE_REQUESTS.get(style, DEFAULT_REQUESTS)]
    if record.get("author") and style in ("poem", "story"):
        requests.append(f"A {style} by {record['author']}")
    return tuple(requests)
