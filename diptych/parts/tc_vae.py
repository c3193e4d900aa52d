"""A small variational autoencoder with independent latents."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from diptych.parts.heads import mlp

WIDTH = 128


class TcVae(nn.Module):
    """β-TCVAE of flattened series: latents that are told to be independent of each other.

    Chen, Li, Grosse, Duvenaud 2018, arXiv 1802.04942, with minibatch-weighted sampling (appendix C.1).
    """

    def __init__(self, values: int, *, latent: int, beta: float, n_train: int) -> None:
        super().__init__()
        self.beta, self.count = beta, n_train
        self.encode, self.decode = mlp(values, WIDTH, 2 * latent), mlp(latent, WIDTH, values)

    def latents(self, x: Tensor) -> Tensor:
        """Series [n, T, C] -> the means of their latents [n, latent]."""
        return cast(Tensor, self.encode(x.nan_to_num(0.0).flatten(1))).chunk(2, 1)[0]

    def loss(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Squared error of what is there + mutual information + β · total correlation + KL of each latent."""
        flat = x.flatten(1)  # [n, T · C]
        mean, log_sd = self.encode(flat.nan_to_num(0.0)).chunk(2, 1)
        log_sd = log_sd.clamp(-6, 3)
        z = mean + log_sd.exp() * torch.randn(mean.shape, generator=rng, device=x.device)
        error = torch.where(flat.isnan(), 0.0, self.decode(z) - flat.nan_to_num(0.0)).square().sum(1) / 2
        return (error + self._divergence(z, mean, log_sd)).mean()

    def _divergence(self, z: Tensor, mean: Tensor, log_sd: Tensor) -> Tensor:
        """The three parts of KL(q(z|x) ‖ p(z)) of samples [n, latent], the middle one β times: [n]."""
        density = _log_normal(z[:, None], mean[None], log_sd[None])  # [n, n, latent]: of z_i given x_j
        total = math.log(len(z) * self.count)
        joint = density.sum(2).logsumexp(1) - total  # log q(z)
        marginals = (density.logsumexp(1) - total).sum(1)  # Σ log q(z_d)
        given = density.diagonal().sum(0)  # log q(z|x)
        prior = _log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
        return (given - joint) + self.beta * (joint - marginals) + (marginals - prior)


def _log_normal(z: Tensor, mean: Tensor, log_sd: Tensor) -> Tensor:
    return -0.5 * (((z - mean) / log_sd.exp()).square() + math.log(2 * math.pi)) - log_sd
