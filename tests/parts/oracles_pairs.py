"""The objectives of pairs, triplets and labelled batches once more, and what all oracles share."""

import math
from itertools import combinations

import numpy as np


def dot(u, v):
    return float(np.dot(u, v))


def cosine(u, v):
    return dot(u, v) / math.sqrt(dot(u, u) * dot(v, v))


def distance(u, v):
    return math.dist(u, v)


def table(function, rows, columns):
    return [[function(u, v) for v in columns] for u in rows]


def cosines(rows, columns):
    units = [[z / math.sqrt(dot(z, z)) for z in side] for side in (rows, columns)]
    return table(dot, *units)


def mean(terms):
    return math.fsum(terms) / len(terms)


def contrastive_pair(z1, z2, *, same, margin=1.0):
    gaps = [distance(u, v) for u, v in zip(z1, z2, strict=True)]
    return mean([d**2 / 2 if s else max(0, margin - d) ** 2 / 2 for d, s in zip(gaps, same, strict=True)])


def hinge(excess, margin):
    return math.log1p(math.exp(excess)) if margin is None else max(0.0, excess + margin)


def delta(u, v, squared):
    return distance(u, v) ** (2 if squared else 1)


def triplet(anchor, positive, negative, *, margin, squared):
    rows = zip(anchor, positive, negative, strict=True)
    return mean([hinge(delta(a, p, squared) - delta(a, n, squared), margin) for a, p, n in rows])


def neighbours(labels, a):
    others = [j for j in range(len(labels)) if j != a]
    return [j for j in others if labels[j] == labels[a]], [j for j in others if labels[j] != labels[a]]


def triplet_batch_all(z, *, labels, margin, squared):
    d = table(lambda u, v: delta(u, v, squared), z, z)
    terms = []
    for a in range(len(z)):
        positives, negatives = neighbours(labels, a)
        terms += [hinge(d[a][p] - d[a][n], margin) for p in positives for n in negatives]
    return mean(terms)


def triplet_batch_hard(z, *, labels, margin, squared):
    d = table(lambda u, v: delta(u, v, squared), z, z)
    terms = []
    for a in range(len(z)):
        positives, negatives = neighbours(labels, a)
        if positives:
            terms.append(hinge(max(d[a][p] for p in positives) - min(d[a][n] for n in negatives), margin))
    return mean(terms)


def triplet_semi_hard(z, *, labels, margin, squared):
    d = table(lambda u, v: delta(u, v, squared), z, z)
    terms = []
    for a in range(len(z)):
        positives, negatives = neighbours(labels, a)
        for p in positives:
            beyond = [d[a][n] for n in negatives if d[a][n] > d[a][p]]
            terms.append(hinge(d[a][p] - (min(beyond) if beyond else max(d[a][n] for n in negatives)), margin))
    return mean(terms)


def n_pair(anchor, positive, *, l2, ids):
    terms = []
    for i, a in enumerate(anchor):
        others = [j for j in range(len(anchor)) if ids[j] != ids[i]]
        terms.append(math.log(1 + sum(math.exp(dot(a, positive[j]) - dot(a, positive[i])) for j in others)))
    return mean(terms) + l2 * mean([dot(a, a) + dot(p, p) for a, p in zip(anchor, positive, strict=True)])


def lifted_structure(z, *, labels, margin):
    d, terms = table(distance, z, z), []
    for i, j in combinations(range(len(z)), 2):
        if labels[i] == labels[j]:
            total = sum(math.exp(margin - d[end][k]) for end in (i, j) for k in neighbours(labels, end)[1])
            terms.append(max(0.0, math.log(total) + d[i][j]) ** 2)
    return mean(terms) / 2


def lifted_structure_generalised(z, *, labels, margin):
    d, terms = table(distance, z, z), []
    for a in range(len(z)):
        positives, negatives = neighbours(labels, a)
        if positives:
            pull = math.log(sum(math.exp(d[a][p]) for p in positives))
            terms.append(max(0.0, pull + math.log(sum(math.exp(margin - d[a][n]) for n in negatives))))
    return mean(terms)


def soft_nearest_neighbour(z, *, labels, temperature):
    d, terms = table(distance, z, z), []
    for a in range(len(z)):
        positives, negatives = neighbours(labels, a)
        if positives:
            nearest = min(d[a][k] ** 2 for k in positives + negatives)  # against underflow at a low temperature
            kernel = {k: math.exp((nearest - d[a][k] ** 2) / temperature) for k in positives + negatives}
            logs = [-(d[a][p] ** 2) / temperature for p in positives]
            inside = max(logs) + math.log(sum(math.exp(v - max(logs)) for v in logs))
            terms.append(math.log(sum(kernel.values())) - nearest / temperature - inside)
    return mean(terms)
