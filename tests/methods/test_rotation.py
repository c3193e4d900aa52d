"""RotNet tells how far each copy was turned."""

import torch
from torch.nn import functional as F


def test_every_image_is_asked_for_with_every_turn(digits, made, rng):
    _, batch = digits
    method = made("rotation", digits).eval()
    by_hand = [
        F.cross_entropy(method.head(method.encoder(torch.rot90(image[None], turn, (2, 3)))), torch.tensor([turn]))
        for image in batch.x[:5]
        for turn in range(4)
    ]
    loss = method.loss(batch.take(torch.arange(5)), rng())
    torch.testing.assert_close(loss, torch.stack(by_hand).mean())


def test_it_learns_upright_digits_but_not_shuffled_pixels(digits, made, descend, rng):
    _, batch = digits
    shuffled = torch.stack([x.flatten()[order].view(x.shape) for x, order in zip(batch.x, _orders(128), strict=True)])
    real, none = (_accuracy(made("rotation", digits), batch.with_x(x), descend, rng) for x in (batch.x, shuffled))
    assert real > 0.7
    assert none < 0.4


def _accuracy(method, batch, descend, rng):
    """Of the four turns, on rows that it was not trained on."""
    descend(method, batch.take(torch.arange(80)), 25)
    (turned,) = method.eval().view(batch.take(torch.arange(80, 128)), rng())
    return (method.head(method.encoder(turned.x)).argmax(1).view(4, -1) == torch.arange(4)[:, None]).float().mean()


def _orders(n):
    return torch.stack([torch.randperm(64, generator=torch.Generator().manual_seed(i)) for i in range(n)])
