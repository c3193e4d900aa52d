"""What the health metrics share: rows on the unit sphere, capped in number."""

import numpy as np

MAX_ROWS = 5000  # pairs grow with the square; the same rows for every encoder of a data set


def sphere(z: np.ndarray) -> np.ndarray:
    """Unit rows [n, d] in float64; a zero row stays zero."""
    z = capped(z)
    return np.asarray(z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12))


def capped(z: np.ndarray) -> np.ndarray:
    """At most MAX_ROWS rows, in float64, drawn with a fixed seed."""
    if len(z) > MAX_ROWS:
        z = z[np.sort(np.random.default_rng(0).choice(len(z), MAX_ROWS, replace=False))]
    return z.astype(np.float64)
