import json
import random

import pytest

from training.styles import STYLES
from training.tests.conftest import REPOSITORY
from training.tokenizer import EOS, FACTS, MASK, PROMPT, STYLE_IDS, TEXT, TextEncoder, special_tokens

SHIPPED = REPOSITORY / "models" / "default" / "tokenizer.json"


@pytest.fixture(params=["tiny", "shipped"])
def any_encoder(request: pytest.FixtureRequest, encoder: TextEncoder) -> TextEncoder:
    if request.param == "tiny":
        return encoder
    if not SHIPPED.exists():
        pytest.skip("no shipped model here")
    return TextEncoder.from_file(SHIPPED)


def test_special_tokens_have_the_first_ids(any_encoder: TextEncoder) -> None:
    assert any_encoder.specials == {token: i for i, token in enumerate(special_tokens())}
    assert len(special_tokens()) == 32
    assert [any_encoder.specials[f"<|{name}|>"] for name in ("mask", "eos", "prompt", "facts", "text")] == [MASK, EOS, PROMPT, FACTS, TEXT]
    assert [STYLE_IDS[name] for name in STYLES] == list(range(6, 6 + len(STYLES)))


def test_every_single_byte_is_a_token(any_encoder: TextEncoder) -> None:
    single = {token for token in any_encoder.plain.get_vocab() if len(token) == 1}
    assert len(single) == 256


def test_any_text_round_trips(any_encoder: TextEncoder) -> None:
    rng = random.Random(1)
    texts = ["", " ", "\n\n  two\tspaces ", "naïve Ölmühle 12 €", "日本語 🦊👩‍👩‍👧", "e\u0301\u202e\x00\x7f", "<|mask|> and <|eos|>", "don't I'LL"]
    for _ in range(200):
        points = [rng.choice([rng.randrange(1, 128), rng.randrange(128, 0xD800), rng.randrange(0xE000, 0x110000)]) for _ in range(20)]
        texts.append("".join(map(chr, points)))
    for text in texts:
        ids = any_encoder.encode(text)
        assert any_encoder.decode(ids) == text
        assert min(ids, default=32) >= 32, "text never becomes a special token"


def test_the_shipped_vocabulary_has_8192_tokens() -> None:
    if not SHIPPED.exists():
        pytest.skip("no shipped model here")
    description = json.loads(SHIPPED.read_text(encoding="utf-8"))
    assert len(description["model"]["vocab"]) == 8192
    assert description["normalizer"] is None and description["post_processor"] is None
    assert description["pre_tokenizer"]["add_prefix_space"] is False
