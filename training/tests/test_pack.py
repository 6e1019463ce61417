import random
from dataclasses import replace

import numpy as np
import pytest

from training.batches import BatchOrder
from training.config import DataConfig, MixRule, from_dict, load_config
from training.documents import Document
from training.pack import cut_at_sentence, encode_in_pieces, one_epoch, pack, pack_document, rule_for
from training.tests.conftest import CORPUS, REPOSITORY
from training.tokenizer import EOS, FACTS, PROMPT, STYLE_IDS, TEXT

DOCUMENT = Document("A lamp that glows. It costs 9 euros.", "product", "product", ("a lamp",), {"price": "9 euros"})


def test_a_canvas_is_style_request_facts_text_and_eos(encoder, data_config) -> None:
    settings = replace(data_config, style_drop=0, prompt_drop=0, facts_drop=0, cut_share=0, tight_share=0, next_bucket_share=0)
    ids, prefix, length = pack_document(DOCUMENT, encoder, settings, random.Random(1))
    text = encoder.encode(DOCUMENT.text)
    conditioning = [STYLE_IDS["product"], PROMPT, *encoder.encode("a lamp"), FACTS, *encoder.encode("price: 9 euros"), TEXT]
    assert ids[:prefix] == conditioning
    assert ids[prefix : prefix + len(text)] == text
    assert set(ids[prefix + len(text) :]) == {EOS}
    assert length == len(ids) and length in settings.buckets


def test_each_kind_of_conditioning_is_dropped_at_its_rate(encoder, data_config) -> None:
    settings = replace(data_config, style_drop=0.1, prompt_drop=0.4, facts_drop=0.4)
    rng = random.Random(2)
    rows = [pack_document(DOCUMENT, encoder, settings, rng) for _ in range(2000)]
    prefixes = [ids[:prefix] for ids, prefix, _ in rows]
    shares = [np.mean([p[0] == STYLE_IDS["none"] for p in prefixes]), np.mean([PROMPT not in p for p in prefixes]), np.mean([FACTS not in p for p in prefixes])]
    print("dropped: style, request, facts", shares)
    assert np.allclose(shares, [0.1, 0.4, 0.4], atol=0.04)


def test_some_canvases_end_behind_the_first_eos_and_some_have_a_long_tail(encoder, data_config) -> None:
    rng = random.Random(3)
    rows = [pack_document(DOCUMENT, encoder, data_config, rng) for _ in range(1000)]
    tight = np.mean([ids[length - 1] == EOS and ids[length - 2] != EOS and length < len(ids) for ids, _, length in rows])
    long_tail = np.mean([ids[:length].count(EOS) > len(ids) / 2 for ids, _, length in rows])
    print("tight", tight, "more than half EOS", long_tail)
    assert 0.1 < tight < 0.3 and long_tail > 0.02


def test_a_long_text_is_cut_at_a_sentence_end_and_gets_no_eos(encoder, data_config) -> None:
    settings = replace(data_config, max_canvas=64, short_canvas=64, buckets=[16, 32, 64], cut_share=0)
    document = Document("One short sentence here. " * 40, "story", "tiny_story")
    ids, prefix, length = pack_document(document, encoder, settings, random.Random(4))
    text = encoder.decode(ids[prefix:length])
    assert text.endswith("here.") and EOS not in ids[:length] and length <= 64


def test_cutting_finds_the_longest_run_of_whole_sentences(encoder) -> None:
    text = 'He said "no." Then he left! And so on and on and on.'
    room = len(encoder.encode('He said "no." Then he left!')) + 1
    assert encoder.decode(cut_at_sentence(text, room, encoder)) == 'He said "no." Then he left!'
    assert cut_at_sentence("no end at all in this one", 3, encoder) is None


def test_cut_pieces_still_spell_the_text(encoder) -> None:
    rng = random.Random(5)
    different = 0
    for _ in range(300):
        ids = encode_in_pieces(DOCUMENT.text, encoder, rng)
        assert encoder.decode(ids) == DOCUMENT.text
        different += ids != encoder.encode(DOCUMENT.text)
    assert different > 200, "cuts fall inside tokens, too"


def test_the_mix_repeats_and_chooses() -> None:
    mix = [MixRule(file="sample", times=1), MixRule(file="sample", style="story", times=3), MixRule(file="sample", style="poem", times=0)]
    assert rule_for("sample", "story", mix).times == 3 and rule_for("sample", "sms", mix).times == 1 and rule_for("other", "sms", mix) is None
    documents = one_epoch(CORPUS, DataConfig(mix=mix))
    assert sum(d.style == "story" for d in documents) == 6 and not any(d.style == "poem" for d in documents)


def test_packing_is_reproducible_and_fresh_for_each_repetition(tmp_path, encoder, data_config, data_dir) -> None:
    pack(one_epoch(CORPUS, data_config), encoder, data_config, tmp_path)
    for path in data_dir.glob("*.npy"):
        assert np.array_equal(np.load(path), np.load(tmp_path / path.name))
    rng = random.Random(6)
    assert len({tuple(pack_document(DOCUMENT, encoder, data_config, rng)[0]) for _ in range(20)}) > 5


def test_an_epoch_visits_every_canvas_once_in_batches_of_one_length(data_dir) -> None:
    order = BatchOrder(data_dir, 512, seed=1)
    seen = [tuple(row) for step in range(order.batches_per_epoch) for row in order.at(step).ids]
    packed = [tuple(row) for path in data_dir.glob("canvas-*.npy") for row in np.load(path).astype(int)]
    assert sorted(seen) == sorted(packed)
    batch = order.at(3)
    assert batch.maskable.sum() == (batch.length - batch.prefix).sum()
    assert not batch.maskable[:, 0].any()


def test_configs_load_and_unknown_keys_are_refused() -> None:
    for path in (REPOSITORY / "training" / "configs").glob("*.toml"):
        config = load_config(path)
        assert config.data.mix and config.optimiser.total_steps > config.optimiser.decay_steps
    with pytest.raises(ValueError, match="no field"):
        from_dict(DataConfig, {"bucket": [1]})
