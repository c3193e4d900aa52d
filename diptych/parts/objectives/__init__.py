"""Objectives: pure functions of embeddings that return the mean over anchors; one idea a file, in at least float32.

Each normalises by itself what its formula compares by cosine. A method imports from the file of its objective, so that
an edit of another one leaves the method's results valid.
"""

from diptych.parts.objectives.alignment_uniformity import alignment, uniformity
from diptych.parts.objectives.barlow_twins import barlow_twins
from diptych.parts.objectives.clip import clip
from diptych.parts.objectives.clocs import clocs
from diptych.parts.objectives.contrastive_pair import contrastive_pair
from diptych.parts.objectives.debiased import debiased, hard_negative
from diptych.parts.objectives.decoupled import decoupled, decoupled_weighted
from diptych.parts.objectives.decoupled_info_nce import decoupled_info_nce
from diptych.parts.objectives.expclr import expclr
from diptych.parts.objectives.hierarchical import hierarchical
from diptych.parts.objectives.info_nce import info_nce
from diptych.parts.objectives.instance_softmax import instance_softmax
from diptych.parts.objectives.lifted_structure import lifted_structure, lifted_structure_generalised
from diptych.parts.objectives.mae import mae
from diptych.parts.objectives.mixup_mcl import mixup_mcl
from diptych.parts.objectives.moco import moco
from diptych.parts.objectives.n_pair import n_pair
from diptych.parts.objectives.nce_logistic import nce_logistic
from diptych.parts.objectives.ncl import ncl
from diptych.parts.objectives.negative_cosine import byol, negative_cosine
from diptych.parts.objectives.neighbour_or_not import neighbour_or_not
from diptych.parts.objectives.nnclr import nnclr
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.objectives.siglip import siglip
from diptych.parts.objectives.sinkhorn import sinkhorn
from diptych.parts.objectives.soft_nearest_neighbour import soft_nearest_neighbour
from diptych.parts.objectives.supcon import supcon_in, supcon_out
from diptych.parts.objectives.swav import swapped_prediction, swav
from diptych.parts.objectives.triplets import triplet, triplet_batch_all, triplet_batch_hard, triplet_semi_hard
from diptych.parts.objectives.unit import unit
from diptych.parts.objectives.vertical_partition import vertical_partition
from diptych.parts.objectives.vicreg import vicreg

__all__ = [
    "alignment",
    "barlow_twins",
    "byol",
    "clip",
    "clocs",
    "contrastive_pair",
    "debiased",
    "decoupled",
    "decoupled_info_nce",
    "decoupled_weighted",
    "expclr",
    "hard_negative",
    "hierarchical",
    "info_nce",
    "instance_softmax",
    "lifted_structure",
    "lifted_structure_generalised",
    "mae",
    "mixup_mcl",
    "moco",
    "n_pair",
    "nce_logistic",
    "ncl",
    "negative_cosine",
    "neighbour_or_not",
    "nnclr",
    "nt_xent",
    "siglip",
    "sinkhorn",
    "soft_nearest_neighbour",
    "supcon_in",
    "supcon_out",
    "swapped_prediction",
    "swav",
    "triplet",
    "triplet_batch_all",
    "triplet_batch_hard",
    "triplet_semi_hard",
    "uniformity",
    "unit",
    "vertical_partition",
    "vicreg",
]
