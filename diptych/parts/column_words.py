"""The words of a table: names of its columns and of their levels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from diptych.parts.fields import fields_of, levels_of
from diptych.parts.tokens import PADDING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST = 8000  # tokens of a vocabulary
YES, NO = {"yes", "true", "1", "1.0"}, {"no", "false", "0", "0.0"}


def vocabulary(facts: Mapping[str, Any]) -> Tokenizer:
    """Byte-level BPE of a table's own words: any other table's words have tokens in it, known or in pieces."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=MOST,
        special_tokens=["[PAD]"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [_words(column["name"], level) for column in columns_of(facts) for level in column["levels"] or [None]]
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def columns_of(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """{"name": …, "levels": None or one name (or None, the rest) per encoded column} of each field."""
    if "columns" not in facts:
        raise ValueError("the facts of this table name no columns; prepare the data set again with this version")
    columns: list[dict[str, Any]] = facts["columns"]
    return columns


def _words(name: str, level: str | None) -> str:
    """The text of a level, or of a number's column; underscores, dots and CamelCase part words."""
    text = name if level is None else f"{name} {level}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.]+", " ", text)


class ColumnWords(nn.Module):
    """Which tokens stand for a number's column and for each level of a categorical one.

    A two-level column of yes and no is binary: its name where yes, nothing where no. A level that training rows did not
    have, and the rest of rare or missing ones, have the name alone.
    """

    numeric: Tensor
    names: Tensor
    levels: Tensor
    texts: Tensor

    def __init__(self, facts: Mapping[str, Any], tokenizer: Tokenizer) -> None:
        super().__init__()
        fields, columns = fields_of(facts), columns_of(facts)
        single = torch.bincount(fields) == 1  # [fields]
        numbers = [column["name"] for column, alone in zip(columns, single.tolist(), strict=True) if alone]
        named = [column for column, alone in zip(columns, single.tolist(), strict=True) if not alone]
        texts = [text for column in named for text in _texts(column)]
        blocks = levels_of(fields)  # [categorical, most]
        buffers = {
            "numeric": single[fields].nonzero()[:, 0],  # columns [numbers]
            "names": tokens([_words(name, None) for name in numbers], tokenizer),  # [numbers, words]
            "levels": blocks,
            "texts": tokens(texts, tokenizer),  # [levels + categorical, words]: a column's levels, then its name
        }
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)

    def numbers(self, x: Tensor) -> Tensor:
        """The numeric columns [n, numbers] of encoded rows [n, F]."""
        return x[:, self.numeric]

    def words(self, x: Tensor) -> Tensor:
        """Tokens [n, categorical · words] of the levels of encoded rows [n, F]; padding for a missing value."""
        if not len(self.levels):
            return x.new_zeros(len(x), 0, dtype=torch.int64)
        absent = self.levels < 0  # [categorical, most]
        value = x[:, self.levels.clamp_min(0)].masked_fill(absent, 0.0)  # [n, categorical, most]
        sizes = (~absent).sum(1)  # [categorical]
        place = torch.where(value.nan_to_num(0.0).amax(2) > 0, value.nan_to_num(0.0).argmax(2), sizes)
        starts = (sizes + 1).cumsum(0) - sizes - 1
        found = self.texts[starts + place]  # [n, categorical, words]
        return found.masked_fill(value.isnan().any(2)[..., None], PADDING).flatten(1)


def _texts(column: Mapping[str, Any]) -> list[str]:
    """The texts of a column's levels, then of its name alone."""
    name, levels = column["name"], column["levels"]
    alone, lowered = _words(name, None), [str(level).lower() for level in levels]
    if len(levels) == 2 and {*lowered} & YES and {*lowered} & NO:
        return [alone if level in YES else "" for level in lowered] + [alone]
    return [_words(name, level) for level in levels] + [alone]


def tokens(texts: Sequence[str], tokenizer: Tokenizer) -> Tensor:
    """Texts -> [texts, most words], filled up with padding."""
    rows = [torch.tensor(found.ids, dtype=torch.int64) for found in tokenizer.encode_batch(list(texts))]
    return (
        nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING) if rows else torch.zeros(0, 0).long()
    )
