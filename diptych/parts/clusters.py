"""Groups of similar training samples."""

import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor, nn

from diptych.batch import Batch
from diptych.parts.objectives.unit import unit

CHUNK = 512  # rows encoded at once


@torch.no_grad()
def represented(encoder: nn.Module, rows: Batch) -> Tensor:
    """What the encoder, in eval mode, makes of all rows as they are: [n, dim]."""
    encoder.eval()
    chunks = torch.split(torch.arange(len(rows), device=rows.index.device), CHUNK)
    return torch.cat([encoder(rows.take(chunk).x) for chunk in chunks])


def divided(z: Tensor, clusters: int, rng: torch.Generator) -> Tensor:
    """k-means on the unit vectors of z [n, d]: the cluster of each row, [n] in 0 … clusters − 1."""
    if len(z) < clusters:
        raise ValueError(f"{len(z)} training samples cannot form {clusters} clusters; lower `clusters`")
    seed = int(torch.randint(2**31, (1,), generator=rng, device=rng.device))
    found = MiniBatchKMeans(clusters, random_state=seed, n_init=3).fit_predict(unit(z).cpu().numpy())
    return torch.from_numpy(found).long().to(z.device)


def members(own: Tensor, clusters: int, at_least: int = 1) -> list[tuple[int, Tensor]]:
    """The clusters that have so many rows in a batch with clusters `own` [n], and the numbers of these rows."""
    rows = [(cluster, (own == cluster).nonzero()[:, 0]) for cluster in range(clusters)]
    return [(cluster, found) for cluster, found in rows if len(found) >= at_least]
