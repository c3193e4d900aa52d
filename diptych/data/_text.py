"""Tokens of a vocabulary that was learnt from training texts only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tokenizers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # tokens 0 to 4
VOCABULARY = 8000
LENGTH = 64


@dataclass(frozen=True)
class Tokenizer:
    """Lower-cased byte-level BPE; every text starts with [CLS] and is cut at LENGTH tokens.

    Byte-level BPE and not WordPiece, whose training gives other vocabularies each time it is run.
    """

    model: tokenizers.Tokenizer

    @classmethod
    def train(cls, texts: Sequence[str]) -> Tokenizer:
        """Learn the vocabulary from training texts."""
        from tokenizers import Tokenizer as Model
        from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

        model = Model(models.BPE(unk_token=SPECIAL[1]))
        model.normalizer = normalizers.BertNormalizer(lowercase=True)
        model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        model.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            min_frequency=2,
            special_tokens=SPECIAL,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        model.train_from_iterator(texts, trainer)
        return cls(model)

    @classmethod
    def restored(cls, stored: np.ndarray) -> Tokenizer:
        """The tokenizer whose `stored` bytes these are: uint8 [bytes]."""
        from tokenizers import Tokenizer as Model

        return cls(Model.from_str(stored.tobytes().decode("utf-8")))

    def stored(self) -> np.ndarray:
        """Its JSON as bytes: uint8 [bytes]."""
        return np.frombuffer(self.model.to_str().encode("utf-8"), np.uint8)

    @property
    def size(self) -> int:
        """The number of tokens."""
        return int(self.model.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, int]:
        """Tokens int64 [n, T ≤ LENGTH], 0 = padding, and the number of texts that were cut."""
        rows = [[SPECIAL.index("[CLS]"), *found.ids] for found in self.model.encode_batch(list(texts))]
        width = min(max(map(len, rows)), LENGTH)
        tokens = np.zeros((len(rows), width), np.int64)
        for row, ids in zip(tokens, rows, strict=True):
            row[: len(ids)] = ids[:width]
        return tokens, sum(len(ids) > LENGTH for ids in rows)
