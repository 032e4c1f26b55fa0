"""Text to token ids: the Unigram tokenizer of XLM-RoBERTa, by the `tokenizers` library."""

from __future__ import annotations

import re
import unicodedata

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from streams.embedding.weights import PackedWeights

MAX_TOKENS = 256
"""Tokens of a text that are read, with the two marks at its ends. The lead of an article is well below this in
every script; the network itself would take 512, at more than twice the cost."""
MAX_CHARACTERS = 2_000
"""Characters that are looked at for those tokens. Most tokens have 2 to 6; without this limit a text of a megabyte
would be tokenized as a whole before it is cut."""
PREFIX = "query: "
"""What the model was trained to see before each of two texts that are compared with one another."""

_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff]+")


def build_tokenizer(weights: PackedWeights) -> Tokenizer:
    """The tokenizer, ready to be saved."""
    special = weights.special
    tokenizer = Tokenizer(models.Unigram(weights.pieces, unk_id=special.unknown))
    tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", special.begin), ("</s>", special.end)]
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def clean(text: str) -> str:
    """What the tokenizer gets of any string at all.

    Control characters and lone surrogates (which no encoder takes) become spaces. NFKC matters: the vocabulary is
    composed, and a decomposed Vietnamese text falls apart into unknown pieces without it.
    """
    return unicodedata.normalize("NFKC", _NOT_TEXT.sub(" ", text[:MAX_CHARACTERS]))
