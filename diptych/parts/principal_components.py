"""A linear projection fitted by scikit-learn, as tensors."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

HELD = 0.99  # of the variance


class PrincipalComponents(nn.Module):
    """PCA of the feature vectors of each modality.

    Where rows are few, all directions in which they differ make a simplex once a probe has scaled them: every row is as
    far from every other, and nothing can be learnt. The last hundredth of the variance is therefore left out.
    """

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__()
        self.widths = dict(widths)
        self.of = nn.ModuleDict({name: _Projection() for name in widths})

    def fit(self, features: Mapping[str, Tensor], rng: torch.Generator) -> None:
        """The first components of {name: [n, F]} that hold HELD of the variance, at most as many as the width."""
        for name, z in features.items():
            cast(_Projection, self.of[name]).fit(z, min(self.widths[name], *z.shape), rng)

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """{name: [n, F]} -> {name: [n, k]}."""
        return {name: self.of[name](z) for name, z in features.items()}


class _Projection(nn.Module):
    """A mean [F] and components [k, F]."""

    mean: Tensor
    components: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.empty(0))
        self.register_buffer("components", torch.empty(0))

    def fit(self, z: Tensor, k: int, rng: torch.Generator) -> None:
        from sklearn.decomposition import PCA

        seed = int(torch.randint(2**31, (), generator=rng, device=rng.device))
        fitted = PCA(k, random_state=seed).fit(z.cpu().numpy())
        self.mean = torch.from_numpy(fitted.mean_).to(z)
        enough = int(np.searchsorted(fitted.explained_variance_ratio_.cumsum(), HELD)) + 1  # 1 of constant features
        self.components = torch.from_numpy(np.ascontiguousarray(fitted.components_[:enough])).to(z)

    def forward(self, z: Tensor) -> Tensor:
        return (z - self.mean) @ self.components.T
