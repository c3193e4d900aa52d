"""What holds for every objective: loops in float64, order, gradients, extremes, precision, targets, errors."""

import math

import numpy as np
import pytest
import torch
from objective_cases import CASES, WITH_IDS, WITH_TEMPERATURE, arrays, labels, loss_of, names, tensors, with_gradients

from diptych.parts import objectives

TEMPERATURES = (0.05, 0.5, 1.0)
SIZES = (2, 3, 8, 65)
SIZED = [(name, n) for name, case in CASES.items() for n in SIZES if n >= case.smallest]
everywhere = pytest.mark.parametrize("name", CASES)


def expected(case, inputs, t, ids=None):
    """The value by loops; without `ids` all rows are different objects."""
    if case.ids is None:
        return case.oracle(**inputs, **case.settings(t))
    different = np.arange(case.ids(len(inputs[case.learned[0]])))
    return case.oracle(**inputs, **case.settings(t), ids=different if ids is None else ids)


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize(("name", "n"), SIZED)
def test_equals_a_loop(name, n, repeated):
    case = CASES[name]
    inputs = arrays(case, n, repeated=repeated)
    for t in TEMPERATURES:
        value = expected(case, inputs, t)
        assert loss_of(case, tensors(inputs), t).item() == pytest.approx(value, rel=1e-9, abs=1e-12)
        single = loss_of(case, tensors(inputs, torch.float32), t)
        assert single.item() == pytest.approx(value, rel=1e-4 if t < 0.2 else 1e-5, abs=1e-5)


@pytest.mark.parametrize("n", [3, 8, 65])
@pytest.mark.parametrize("name", WITH_IDS)
def test_rows_of_one_object_are_no_negatives(name, n):
    case = CASES[name]
    inputs, ids = arrays(case, n, repeated=True), names(case, n)
    for t in TEMPERATURES:
        value = loss_of(case, tensors(inputs), t, ids=torch.from_numpy(ids)).item()
        assert value == pytest.approx(expected(case, inputs, t, ids), rel=1e-9, abs=1e-12)
    distinct = loss_of(case, tensors(inputs), ids=torch.arange(len(ids)) * 3)
    torch.testing.assert_close(distinct, loss_of(case, tensors(inputs)), rtol=1e-12, atol=0)


@everywhere
def test_order_of_the_batch_does_not_matter(name):
    case, inputs = CASES[name], tensors(arrays(CASES[name], 9))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    shuffled = {key: value if key in case.fixed else value[order] for key, value in inputs.items()}
    torch.testing.assert_close(loss_of(case, shuffled), loss_of(case, inputs), rtol=1e-12, atol=1e-12)


@everywhere
def test_gradient_is_right(name):
    case = CASES[name]
    smooth = case.learned if case.smooth is None else case.smooth
    inputs = tensors(arrays(case, 3))
    inputs = {key: value[..., :4] if value.shape[-1:] == (5,) else value for key, value in inputs.items()}
    leaves = [inputs[key].requires_grad_() for key in smooth]
    if smooth:
        found = torch.autograd.gradcheck(
            lambda *values: loss_of(case, inputs | dict(zip(smooth, values, strict=True))), leaves
        )
        assert found


@pytest.mark.parametrize("kind", ["random", "identical", "zero", "tiny"])
@everywhere
def test_extreme_inputs_have_finite_values_and_gradients(name, kind):
    case, inputs = CASES[name], tensors(arrays(CASES[name], 8), torch.float32)
    change = {
        "random": lambda z: z,
        "identical": lambda z: z[:1].expand_as(z),
        "zero": torch.zeros_like,
        "tiny": lambda z: z * 1e-20,
    }[kind]
    changed = {key: change(inputs[key]) for key in case.learned + case.targets if key != "features"}
    loss, leaves = with_gradients(case, inputs | changed, 0.01)
    assert loss.isfinite()
    assert all(leaves[key].grad.isfinite().all() for key in case.learned)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@everywhere
def test_half_precision_is_computed_in_float32(name, dtype):
    case = CASES[name]
    lowered = tensors(arrays(case, 8), dtype)
    loss, leaves = with_gradients(case, lowered)
    raised = {key: value.float() if value.is_floating_point() else value for key, value in lowered.items()}
    assert loss.dtype == torch.float32
    assert loss == loss_of(case, raised)
    assert all(leaves[key].grad.isfinite().all() for key in case.learned)


@everywhere
def test_autocast_does_not_reach_inside(name):
    case, inputs = CASES[name], tensors(arrays(CASES[name], 65), torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = loss_of(case, inputs, 0.05)
    assert lowered == loss_of(case, inputs, 0.05)


@everywhere
def test_targets_carry_no_gradient(name):
    case = CASES[name]
    _, leaves = with_gradients(case, tensors(arrays(case, 8)))
    assert {key for key, leaf in leaves.items() if leaf.grad is None} == set(case.targets)
    assert all(leaves[key].grad.any() for key in case.learned)


@everywhere
def test_batches_too_small_are_errors(name):
    case = CASES[name]
    for n in range(case.smallest):
        with pytest.raises(ValueError, match=r"at least 1|no anchor has|no negatives|no variance|2 or more|no patch"):
            loss_of(case, tensors(arrays(case, n)))


@everywhere
def test_wrong_shapes_are_errors(name):
    case, inputs = CASES[name], tensors(arrays(CASES[name], 8))
    for key in inputs:
        with pytest.raises(ValueError, match=r"\[.*(must|shape|hold)|(must|shape|hold).*\["):
            loss_of(case, inputs | {key: inputs[key][None]})
        if len(inputs) > 1 and key not in case.fixed:
            with pytest.raises(ValueError, match=r"must|they have"):
                loss_of(case, inputs | {key: inputs[key][:7]})


@pytest.mark.parametrize("name", WITH_IDS)
def test_ids_must_fit(name):
    case = CASES[name]
    with pytest.raises(ValueError, match=rf"ids must be \[{case.ids(8)}\]"):
        loss_of(case, tensors(arrays(case, 8)), ids=torch.arange(case.ids(8) - 1))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("name", WITH_TEMPERATURE)
def test_temperature_must_be_positive(name, temperature):
    case = CASES[name]
    inputs, settings = tensors(arrays(case, 8)), case.settings(1.0) | {"temperature": temperature}
    with pytest.raises(ValueError, match="temperature must be above 0"):
        case.objective(**inputs, **settings)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.extra is labels and case.ids is None])
def test_labels_must_make_pairs(name):
    case = CASES[name]
    inputs = tensors(arrays(case, 8))
    if case.smallest > 1 and case.learned == ("z",):
        with pytest.raises(ValueError, match="no anchor has a positive: the 8 labels all differ"):
            loss_of(case, inputs | {"labels": torch.arange(8)})
    if case.smallest == 3:
        with pytest.raises(ValueError, match="no anchor has a negative: all 8 labels are equal"):
            loss_of(case, inputs | {"labels": torch.zeros(8)})


def test_the_table_holds_every_objective():
    listed = {name.split(",")[0] for name in CASES}
    assert set(objectives.__all__) - listed == {"hierarchical", "sinkhorn", "swapped_prediction", "unit"}
