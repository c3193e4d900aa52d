"""The contract of a method: what the one training loop and the stages ask of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from diptych.batch import Batch, Graphs, Input

# modality -> view. Literals that the planner reads; a method adds what it does otherwise by `|`.
ONE_VIEW = {"image": "identity", "series": "identity", "tabular": "identity", "text": "identity", "graph": "identity"}
TWO_VIEWS = {
    "image": "crop_jitter",
    "series": "jitter_scale",
    "tabular": "two_field_corruptions",
    "text": "token_dropout",
    "graph": "graph_augmentations",
}


@dataclass(frozen=True)
class Recipe:
    """The paper's training settings; a benchmark file overrides any field by `train.<field>`."""

    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = 0.0  # share of the budget with a linearly rising rate
    batch_size: int = 128
    per_class: int = 1  # rows of one class that enter a batch together; above 1 labels shape the batches
    epochs: int | None = None  # exactly one of epochs, steps and samples; all None: the method decides
    steps: int | None = None
    samples: int | None = None
    average_weights: bool = False  # evaluate the equal running average of the weights after every step
    validation: float = 0.0  # share of training rows held out for early stopping of the pretraining loss
    patience: int = 0  # epochs without improvement of the validation loss before stopping; 0: never


@dataclass(frozen=True)
class Stage:
    """A part of a method's budget; `parts` names the submodules that train (empty: all)."""

    name: str = "main"
    share: float = 1.0
    parts: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)  # submodule -> its share of the recipe's rate; others: 1


class View(nn.Module, ABC):
    """An augmentation: one batch in, the tuple of its views out; settings are keyword-only literals."""

    modalities: ClassVar[tuple[str, ...]]
    # What a method unpacks: a view may take the place of another that returns the same. "one" · "two" row-aligned
    # views · "spans": two with shared steps · "crops": two large, then small ones · "damaged": a damaged and the clean
    # sample · "rotations": one batch of four turned copies · "parts": two or more row-aligned views, each of a part.
    returns: ClassVar[Literal["one", "two", "spans", "crops", "damaged", "rotations", "parts"]]

    needs: ClassVar[frozenset[str]] = frozenset()  # as a method's

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__()
        self.facts = facts

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Learn what the view needs from the training split, once (marginals, constants)."""

    @abstractmethod
    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """All views of a step, drawn for the whole batch at once."""


class Encoder(nn.Module, ABC):
    """A backbone: `forward(x)` gives [n, dim]."""

    modality: ClassVar[str]
    transfers: ClassVar[bool] = False  # whether `reading(facts)` gives it, its weights shared, for other data
    dim: int

    @abstractmethod
    def forward(self, x: Input) -> Tensor:
        """Representations [n, dim] of the content of a batch."""


class Method(nn.Module, ABC):
    """A way of pretraining. Subclasses are final; their keyword-only arguments are the hyper-parameters."""

    role: ClassVar[Literal["self-supervised", "supervised", "control"]] = "self-supervised"
    paper: ClassVar[str] = ""  # authors, title, arXiv id
    modalities: ClassVar[dict[str, str]] = {}  # modality -> view used there
    encoders: ClassVar[dict[str, str]] = {}  # modality -> encoder, where the usual one cannot serve
    by_channel: ClassVar[bool] = False  # whether its encoder is built to read one channel of a series at a time
    uses: ClassVar[frozenset[str]] = frozenset()  # of "label", "group", "time": what else it may see
    needs: ClassVar[frozenset[str]] = frozenset()  # of data.card.NEEDS: what a data set must have
    negatives: ClassVar[str] = "none"  # in-batch, queue, memory bank; none
    missing: ClassVar[str] = "impute_mean"  # how NaN is met: native, mask_as_view, impute_mean
    seen_corruptions: ClassVar[frozenset[str]] = frozenset()  # corruptions that resemble its training view
    recipe: ClassVar[Recipe] = Recipe()

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__()
        self.encoder, self.view = encoder, view
        self.projector: nn.Module = nn.Identity()  # what stands between encoder and objective; gone at probe time

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Once before training: marginals, banks, neighbours -> buffers."""
        self.view.calibrate(train, rng)

    def stages(self) -> tuple[Stage, ...]:
        """The parts of the budget, in order; their shares sum to one."""
        return (Stage(),)

    def begin(self, stage: str, train: Batch, rng: torch.Generator) -> None:
        """Before a stage: choose its loss, take what it needs of the stages before it.

        Called once more when a training goes on from a checkpoint, before weights and buffers come back: it may write
        to these, and besides only what follows from the name of the stage.
        """
        self.stage = stage

    def backbone(self, batch: Batch) -> Tensor:
        """The encoder's output [n, dim] for samples of one modality."""
        return features(self.encoder, batch.x)["backbone"]

    def projected(self, batch: Batch) -> Tensor:
        """The projection [n, d] of samples of one modality: what the objective compares."""
        projected: Tensor = self.projector(self.backbone(batch))
        return projected

    def default_steps(self, train: Batch) -> int:
        """The paper's budget where it depends on the data and the recipe leaves it open."""
        raise ValueError(f"{type(self).__name__} needs a budget: set train.epochs, train.steps or train.samples")

    @abstractmethod
    def loss(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """The scalar to minimise for one batch."""

    def after_step(self, batch: Batch, progress: float) -> None:
        """After each optimiser step: EMA, queue, clamp; progress runs from 0 to 1."""

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Named embeddings [n, d] in eval mode; the first is the one that boards rank."""
        return features(self.encoder, batch.x)


def features(encoder: nn.Module, x: Input) -> dict[str, Tensor]:
    """Backbone output(s): one per tower that `x` has for paired modalities, else {"backbone": [n, d]}."""
    return {name: tower(contents(x)[name]) for name, tower in towers(encoder).items() if name in contents(x)}


def width(encoder: nn.Module) -> dict[str, int]:
    """The dimension of each of `features`' embeddings."""
    return {name: tower.dim for name, tower in towers(encoder).items()}


def towers(encoder: nn.Module) -> dict[str, Encoder]:
    """The encoder(s) by the name of their embedding."""
    named = encoder.items() if isinstance(encoder, nn.ModuleDict) else [("backbone", encoder)]
    return {name: cast(Encoder, tower) for name, tower in named}


def contents(x: Input) -> dict[str, Tensor | Graphs]:
    """The content(s) of a batch by the name of their embedding."""
    return dict(x) if isinstance(x, Mapping) else {"backbone": x}


def load(method: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load weights and what `calibrate` learnt: its buffers are empty until then and take the state's shape."""
    for name, buffer in method.named_buffers():
        if name in state and buffer.numel() == 0:
            owner, _, leaf = name.rpartition(".")
            setattr(method.get_submodule(owner), leaf, torch.empty_like(state[name], device=buffer.device))
    method.load_state_dict(state)
