"""Reads the one object that a `.npy` file of objects holds, without running anything that the file names.

Such a file is a pickle, and a pickle names functions to call: that is why the project has none and `np.load` is never
allowed to read one. A data set that was published like this can be read all the same, because the machinery of a pickle
only reaches the outside through `find_class`. Here that gives the four names that an array of numbers is rebuilt from
and refuses any other before it is imported: two of them become our own functions, which check what they are given, one
a word, and `numpy.dtype` only describes numbers. The file is verified by its sha256 before, as every file is.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from diptych.data.base import DataError

ARRAY = "array"  # stands for the class, so that nothing can call it
BROKEN = (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError, UnicodeError)


def read_object(content: bytes, name: str) -> Any:
    """The object: dictionaries, lists, texts, numbers and arrays of numbers."""
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
        if shape != () or dtype != np.dtype(object):
            raise DataError(f"an array {dtype} {list(shape)} instead of one object")
        held = _Plain(file).load()
        return held.item()
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    except BROKEN as error:
        raise DataError(f"{name} is not a readable object array: {error}") from error


class _Plain(pickle.Unpickler):
    """Rebuilds arrays of numbers and refuses every other function and class."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The allowed stand-in for a name."""
        found = ALLOWED.get((module_name, global_name))
        if found is None:
            raise DataError(f"refused: it asks for {module_name}.{global_name}, which no array of numbers needs")
        return found


def _empty_array(kind: Any, shape: tuple[int, ...], code: bytes) -> np.ndarray:
    """What an array starts as; its state, which follows, has the true shape and content."""
    if kind != ARRAY or shape != (0,):
        raise DataError(f"refused: an array that starts as {shape} of {kind}")
    return np.empty(0, np.int8)


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes, which old pickles hold as text."""
    if encoding != "latin1":
        raise DataError(f"refused: bytes as {encoding!r} text")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("_codecs", "encode"): _latin1,
    ("numpy", "ndarray"): ARRAY,
    ("numpy", "dtype"): np.dtype,
}
