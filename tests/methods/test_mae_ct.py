"""MAE-CT: three stages of one method; its queue and its head."""

import pytest
import torch

from diptych import checkpoint
from diptych.checkpoint import Checkpoint
from diptych.parts.contrastive_tuning import NeighbourHead
from diptych.parts.method import Recipe
from diptych.parts.optimisers import optimiser, schedule
from diptych.parts.queue import Queue
from diptych.train import seed_everything, train

RECIPE = Recipe(steps=20, batch_size=32, lr=1e-3)
PARTS = (
    "encoder.blocks.0.",
    "encoder.blocks.3.",
    "encoder.project.",
    "decoder.",
    "head.projector.",
    "head.target.",
    "head.queue.",
)


class Cut(Exception):
    """What ends the training, in place of a kill."""


def parts(method):
    state = {key: value.clone() for key, value in method.state_dict().items()}
    return {name: [value for key, value in state.items() if key.startswith(name)] for name in PARTS}


def test_each_stage_trains_its_own_parts(digits, made, rng):
    method = made("mae_ct", digits)
    seen, begin = {}, method.begin

    def watch(stage, rows, generator):
        seen[stage] = parts(method)
        begin(stage, rows, generator)

    method.begin = watch
    train(method, digits[1], RECIPE, rng())
    seen["end"] = parts(method)
    moved = {
        stage: {
            name
            for name in PARTS
            if not all(torch.equal(a, b) for a, b in zip(seen[stage][name], seen[after][name], strict=True))
        }
        for stage, after in (("mae", "head"), ("head", "tune"), ("tune", "end"))
    }
    head = {"head.projector.", "head.target.", "head.queue."}
    assert moved["mae"] == {*PARTS} - head
    assert moved["head"] == head
    assert moved["tune"] == head | {"encoder.blocks.3."}


def test_each_block_has_its_rate(digits, made):
    """A first step of Adam without decay moves a weight by its rate, whatever the gradient."""
    method = made("mae_ct", digits)
    head, tune = method.stages()[1:]
    assert head.rates["head."] == tune.rates["head."] == pytest.approx(2 / 3)
    for name, parameter in method.named_parameters():
        parameter.requires_grad_(name.startswith(tune.parts))
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    stepper = optimiser(method, Recipe(optimiser="adam", lr=0.3), tune.rates)
    torch.stack([(p * 7).sum() for p in method.parameters() if p.requires_grad]).sum().backward()
    stepper.step()
    moved = {name: float((before[name] - p.detach()).mean()) for name, p in method.named_parameters()}
    shares = {"head.projector.0.weight": 1, "encoder.norm.weight": 1, "encoder.blocks.1.linear1.weight": 0}
    shares |= {"encoder.blocks.3.linear1.weight": 0.65, "encoder.blocks.2.linear1.weight": 0.65**2}
    for name, share in shares.items():
        assert moved[name] == pytest.approx(0.2 * share, rel=1e-4), name


def test_rates_rise_and_fall_together():
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    recipe = Recipe(optimiser="sgd", lr=0.1, schedule="cosine", warmup=0.3)
    stepper = optimiser(net, recipe, {"0.": 0.5})
    rates = schedule(stepper, recipe, 10)
    seen = []
    for _ in range(10):
        seen.append(sorted({group["lr"] for group in stepper.param_groups}))
        stepper.step()
        rates.step()
    assert all(low == pytest.approx(high / 2) for low, high in seen)
    assert seen[3] == pytest.approx([0.05, 0.1])


def test_shares_sum_to_one(digits, made):
    assert sum(stage.share for stage in made("mae_ct", digits).stages()) == pytest.approx(1.0)


@pytest.mark.parametrize("cut", [5, 17, 19])  # within each of the stages
def test_a_training_that_was_cut_off_ends_with_the_same_bits(cut, digits, made, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS", 0)

    def run(kept=None, steps=0):
        rng, method, seen = seed_everything(3, "cpu"), made("mae_ct", digits), []
        plain = method.after_step

        def after_step(batch, progress):
            plain(batch, progress)
            seen.append(progress)
            if len(seen) == steps:
                raise Cut

        method.after_step = after_step
        return method, train(method, digits[1], RECIPE, rng, kept)

    whole, history = run()
    with pytest.raises(Cut):
        run(Checkpoint(tmp_path / "c", "this"), cut)
    resumed, again = run(Checkpoint(tmp_path / "c", "this"))
    assert again.loss == history.loss
    assert all(torch.equal(value, resumed.state_dict()[key]) for key, value in whole.state_dict().items())


def test_a_neighbour_is_one_of_the_nearest_and_never_the_sample_itself(rng):
    queue = Queue(50, 8)
    z = torch.nn.functional.normalize(torch.randn(50, 8), dim=1)
    queue.enqueue(z, torch.arange(50))
    similarity = (z @ z.T).fill_diagonal_(-2)
    rank = similarity.argsort(1, descending=True).argsort(1)
    drawn = [queue.nearest(z, torch.arange(50), top=5, rng=rng(seed)) for seed in range(20)]
    ranks = torch.stack([rank[torch.arange(50), (d @ z.T).argmax(1)] for d in drawn])
    assert set(ranks.flatten().tolist()) == {0, 1, 2, 3, 4}
    first = queue.nearest(z, torch.arange(50))
    torch.testing.assert_close(first, z[similarity.argmax(1)])


def test_the_target_of_the_head_fills_the_queue(rng):
    head = NeighbourHead(16, queue=64, top=2)
    h1, h2 = torch.randn(2, 8, 16)
    head.loss(h1, h2, torch.arange(8), rng(), 0.15).backward()
    assert (head.queue.keys == -1).all(), "the batch must not be among its own neighbours"
    assert all(p.grad is None for p in head.target.parameters())
    newest = head.newest
    head.follow(torch.arange(8), 0.99)
    assert torch.equal(head.queue.keys[:8], torch.arange(8))
    torch.testing.assert_close(head.queue.rows[:8], torch.nn.functional.normalize(newest, dim=1))
