"""Kernel principal components fitted by scikit-learn, as tensors that also take new rows."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

SMALLEST = 1e-6  # of the largest eigenvalue: components below it are rounding noise


class KernelComponents(nn.Module):
    """Kernel PCA of the feature vectors of each modality, with an RBF kernel."""

    def __init__(self, widths: Mapping[str, int], *, scale: float, landmarks: int) -> None:
        super().__init__()
        self.widths, self.scale, self.landmarks = dict(widths), scale, landmarks
        self.of = nn.ModuleDict({name: _Projection() for name in widths})

    def fit(self, features: Mapping[str, Tensor], rng: torch.Generator) -> None:
        """The first components of {name: [n, F]}, from all rows or, where these are too many, a random part."""
        for name, z in features.items():
            chosen = torch.randperm(len(z), generator=rng, device=rng.device)[: self.landmarks]
            part = z[chosen.sort().values]  # [m, F]
            gamma = self.scale / max(z.shape[1] * float(z.var(0).mean().nan_to_num(0.0)), 1e-12)
            cast(_Projection, self.of[name]).fit(part, gamma, min(self.widths[name], len(part)))

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """{name: [n, F]} -> {name: [n, k]}."""
        return {name: self.of[name](z) for name, z in features.items()}


class _Projection(nn.Module):
    """Rows [m, F] that new ones are compared with, and what turns kernel values into components."""

    rows: Tensor
    gamma: Tensor
    weights: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("rows", "gamma", "weights", "shift"):
            self.register_buffer(name, torch.empty(0))

    def fit(self, rows: Tensor, gamma: float, k: int) -> None:
        from sklearn.decomposition import KernelPCA

        fitted = KernelPCA(k, kernel="rbf", gamma=gamma, eigen_solver="dense").fit(rows.double().cpu().numpy())
        values = torch.from_numpy(fitted.eigenvalues_).to(rows)  # [k], falling
        vectors = torch.from_numpy(fitted.eigenvectors_).to(rows)  # [m, k]
        kept = values > SMALLEST * values[0]
        self.rows, self.gamma = rows.clone(), rows.new_tensor([gamma])
        scaled = vectors[:, kept] / values[kept].sqrt()  # [m, k]
        # A kernel row κ of a sample, centred as the fit was, times α/√λ: (κ − mean κ) (I − 1/m) α/√λ.
        self.weights = scaled - scaled.mean(0)
        self.shift = self._kernel(rows).mean(0) @ self.weights  # [k]

    def forward(self, z: Tensor) -> Tensor:
        return self._kernel(z) @ self.weights - self.shift

    def _kernel(self, z: Tensor) -> Tensor:
        """[n, F] -> [n, m]; distances one by one, so that a row's do not depend on who is beside it."""
        distance = torch.cdist(z, self.rows, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.exp(-self.gamma * distance.square())
