"""How much of a request shows in the text that answers it, when no constraint asks for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"[A-Za-z][A-Za-z'’-]+")
# Words that ask rather than say what about; a text on the subject need not hold them.
ASKING = frozenset(
    """about after again also and any are because been before being below between both but can could did does doing down during each few
    for from further had has have having her here hers him his how into its itself just more most not now off once one only other our out
    over own same she should some such than that the their them then there these they this those through too under until very was were
    what when where which while who whom why will with would you your
    write tell give make need want please short long brief line lines sentence sentences word words text paragraph message note
    description describe explain answer question review post headline title page tagline slogan email letter reply notice story poem
    dialogue caption label tip tips list customer customers website site shop store company people plain formal easy simple simply
    friendly polite product saying says say called named new good""".split()
)
FEWEST_LETTERS = 3


def content_words(request: str) -> set[str]:
    """Lower-case stems of the words of a request that say what it is about."""
    words = (w.lower().strip("'’-") for w in WORD.findall(request))
    return {stem(w) for w in words if len(w) >= FEWEST_LETTERS and w not in ASKING}


def stem(word: str) -> str:
    """A plain stem, enough for plural, possessive and the commonest verb endings."""
    word = re.sub(r"['’]s$", "", word)
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= FEWEST_LETTERS:
            return word[: -len(ending)]
    return word


def words_shown(requests: Sequence[str], texts: Sequence[str]) -> float:
    """Mean share of a request's content words whose stem begins a word of its text; requests without any are left out."""
    shares = []
    for request, text in zip(requests, texts, strict=True):
        wanted = content_words(request)
        if wanted:
            said = {stem(w.lower()) for w in WORD.findall(text)}
            shares.append(len(wanted & said) / len(wanted))
    return sum(shares) / max(1, len(shares))


def facts_shown(facts: Sequence[dict[str, str]], texts: Sequence[str]) -> float:
    """Share of all facts whose value stands in its text word for word (letter case aside)."""
    hits = [str(value).lower() in text.lower() for values, text in zip(facts, texts, strict=True) for value in values.values()]
    return sum(hits) / max(1, len(hits))
