"""Tokenizers and chat templates of other makers: the service's token ids against those of tokenizers and transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.documents import read_records
from training.tests.conftest import CORPUS
from training.tests.test_checkpoints import probe

# The pattern of Qwen2's tokenizer.json.
QWEN_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXTS = (
    "It's 1234 o'clock; THEY'LL come.\n\n  Two spaces, a tab\t, and café, naïve, 東京, 😀 — all.  ", "", " ", "\n", "x\r\n\r\n  y", "a        b    c",
    "<|im_end|> and <|mask|> spelt out", "Ünïcödé ﬁ ½ ٣", "don't DON'T", "\u00a0\u2003x",
)
TEMPLATES = {
    "qwen": (
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}"
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% if enable_thinking is defined and enable_thinking is false %}"
        "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
    ),
    "gpt": (
        "{%- for message in messages -%}{%- if loop.index0 == 0 -%}{{ bos_token }}{%- endif -%}<|im_start|>{{ message['role'] }}\n\n"
        "{{ message['content'] | trim }}<|im_end|>\n{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant\n\n{%- endif -%}"
    ),
}


def train(kind: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    if kind == "qwen":  # NFC, a split of its own, bytes; thoughts are tokens that are not special
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(QWEN_PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ])
    else:  # GPT-2's split, as ModernBERT's
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([record["text"] for record in read_records(CORPUS / "train" / "sample.jsonl")] + list(TEXTS), trainer)
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>", "<|mask|>", "<|bos|>"])
    plain = ["<think>", "</think>"] if kind == "qwen" else ["        ", "    "]  # ModernBERT has a token for each run of spaces
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in plain])
    return tokenizer


@pytest.fixture(scope="module", params=["qwen", "gpt"])
def layout(request, tmp_path_factory) -> tuple[str, Tokenizer, Path]:
    tokenizer = train(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": {"content": "<|bos|>"}, "eos_token": "<|im_end|>", "chat_template": None}
    if request.param == "qwen":  # newer repositories keep the template in a file
        (folder / "chat_template.jinja").write_text(TEMPLATES["qwen"])
    else:
        config["chat_template"] = TEMPLATES["gpt"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return request.param, tokenizer, folder


def test_texts_have_the_ids_of_tokenizers(layout) -> None:
    _, tokenizer, folder = layout
    texts = [text for text in TEXTS if "<|" not in text]
    [ids] = probe([{"folder": str(folder), "texts": texts}])
    assert ids == [tokenizer.encode(text).ids for text in texts]


def test_literal_special_tokens_are_text(layout) -> None:
    _, tokenizer, folder = layout
    text = "<|im_end|> and <|mask|>"
    [[ids]] = probe([{"folder": str(folder), "texts": [text]}])
    assert max(ids) < tokenizer.token_to_id("<|im_start|>")
    assert tokenizer.decode(ids) == text


def test_conversations_have_the_ids_of_the_chat_template(layout) -> None:
    kind, tokenizer, folder = layout
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|bos|>", eos_token="<|im_end|>", chat_template=TEMPLATES[kind])
    conversations = [
        [{"role": "user", "content": "  What is it?\n"}],
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A  cat"}, {"role": "assistant", "content": "A dog"},
         {"role": "user", "content": "Why?"}],
    ]
    given = probe([{"folder": str(folder), "chat": messages} for messages in conversations])
    for messages, ids in zip(conversations, given, strict=True):
        assert ids == wrapped.apply_chat_template(messages, add_generation_prompt=True, enable_thinking=False)["input_ids"]
