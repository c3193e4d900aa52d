"""Tokens that are no words: 0 pads, 1 is any unknown word, 2 starts every text."""

PADDING = 0
START = 2
FIRST_WORD = 3
