"""Every objective once more: loops over single numbers in float64, written from the papers' formulas."""

import math
from itertools import combinations

import numpy as np
from oracles_pairs import (  # noqa: F401
    contrastive_pair,
    cosine,
    cosines,
    distance,
    dot,
    lifted_structure,
    lifted_structure_generalised,
    mean,
    n_pair,
    soft_nearest_neighbour,
    table,
    triplet,
    triplet_batch_all,
    triplet_batch_hard,
    triplet_semi_hard,
)


def neighbour_or_not(near, far, weight):
    """Binary cross-entropies, one pair at a time."""
    terms = []
    for f, g in zip(near.flatten(), far.flatten(), strict=True):
        says_near, says_far_is_near = 1 / (1 + math.exp(-f)), 1 / (1 + math.exp(-g))
        far_term = weight * math.log(says_far_is_near) + (1 - weight) * math.log(1 - says_far_is_near)
        terms.append(-(math.log(says_near) + far_term) / 2)
    return np.mean(terms)


def nce_logistic(positive_scores, negative_scores, *, noise_log_prob):
    n, k = negative_scores.shape
    noise = np.broadcast_to(noise_log_prob, (n, 1 + k))
    terms = []
    for i in range(n):
        odds = [math.exp(positive_scores[i] - noise[i, 0]) / k]
        odds += [math.exp(negative_scores[i, j] - noise[i, 1 + j]) / k for j in range(k)]
        h = [o / (1 + o) for o in odds]
        terms.append(-math.log(h[0]) - sum(math.log(1 - p) for p in h[1:]))
    return mean(terms)


def info_nce(query, key, *, temperature, ids, own=True):
    terms = []
    for i, s in enumerate(cosines(query, key)):
        others = [j for j in range(len(key)) if (own and j == i) or ids[j] != ids[i]]
        if others:
            terms.append(math.log(sum(math.exp(s[j] / temperature) for j in others)) - s[i] / temperature)
    return mean(terms)


def decoupled_info_nce(query, key, *, temperature, ids):
    return info_nce(query, key, temperature=temperature, ids=ids, own=False)


def nnclr(neighbour, predicted, *, temperature, ids):
    return info_nce(neighbour, predicted, temperature=temperature, ids=ids)


def clip(z1, z2, *, logit_scale, ids):
    one, other = ((z1, z2), (z2, z1))
    return mean([info_nce(*sides, temperature=1 / logit_scale, ids=ids) for sides in (one, other)])


def siglip(z1, z2, *, logit_scale, logit_bias, ids):
    total = 0.0
    for i, row in enumerate(cosines(z1, z2)):
        for j, s in enumerate(row):
            if i == j or ids[i] != ids[j]:
                y = 1 if i == j else -1
                total += math.log1p(math.exp(-y * (logit_scale * s + logit_bias)))
    return total / len(z1)


def moco(query, key, queue, *, temperature, ids):
    terms, n = [], len(query)
    for i in range(n):
        own = math.exp(cosine(query[i], key[i]) / temperature)
        others = [u for u, name in zip(queue, ids[n:], strict=True) if name != ids[i]]
        terms.append(-math.log(own / (own + sum(math.exp(cosine(query[i], u) / temperature) for u in others))))
    return mean(terms)


def ncl(query, key, queue, *, neighbours, alpha, temperature, ids):
    n, terms = len(query), []
    for i, s in enumerate(cosines(query, [*key, *queue])):
        seen = [j for j in range(len(s)) if j < n or ids[j] != ids[i]]
        near = [j for j in seen if neighbours[i][j] or j == i]
        everything, close = (math.log(sum(math.exp(s[j] / temperature) for j in js)) for js in (seen, near))
        aligned = everything - mean([s[j] / temperature for j in near])
        terms.append(alpha * aligned + (1 - alpha) * (close - s[i] / temperature))
    return mean(terms)


def instance_softmax(z, bank, *, index, temperature, ids):
    terms = []
    for s, own in zip(cosines(z, bank), index, strict=True):
        kept = [k for k in range(len(bank)) if k == own or ids[k] != ids[own]]
        terms.append(math.log(sum(math.exp(s[k] / temperature) for k in kept)) - s[own] / temperature)
    return mean(terms)


def two_views(z1, z2, temperature, ids):
    """For each of 2n rows: its similarity to its other view, to all others by place, and the places of negatives."""
    rows, n = np.concatenate([z1, z2]), len(z1)
    for i, row in enumerate(cosines(rows, rows)):
        yield (
            i,
            [value / temperature for value in row],
            (i + n) % (2 * n),
            [k for k in range(2 * n) if ids[k % n] != ids[i % n]],
        )


def nt_xent(z1, z2, *, temperature, ids):
    terms = []
    for _, s, partner, negatives in two_views(z1, z2, temperature, ids):
        terms.append(math.log(sum(math.exp(s[k]) for k in [partner, *negatives])) - s[partner])
    return mean(terms)


def supcon_out(z1, z2, *, labels, temperature):
    terms = []
    for i, s, partner, negatives in two_views(z1, z2, temperature, labels):
        others = [k for k in range(len(s)) if k != i]
        positives = [k for k in others if k not in negatives]
        assert partner in positives
        total = math.log(sum(math.exp(s[k]) for k in others))
        terms.append(mean([total - s[p] for p in positives]))
    return mean(terms)


def supcon_in(z1, z2, *, labels, temperature):
    terms = []
    for i, s, _, negatives in two_views(z1, z2, temperature, labels):
        others = [k for k in range(len(s)) if k != i]
        inside = mean([math.exp(s[p]) for p in others if p not in negatives])
        terms.append(-math.log(inside / sum(math.exp(s[k]) for k in others)))
    return mean(terms)


def vertical_partition(parts, *, temperature, ids):
    n, terms = len(parts[0]), []
    everything = [(row, part[row]) for part in parts for row in range(n)]
    for i, (row, anchor) in enumerate(everything):
        s = [float(anchor @ other) / temperature for _, other in everything]
        own = [k for k, (other, _) in enumerate(everything) if other == row and k != i]
        negatives = [k for k, (other, _) in enumerate(everything) if ids[other] != ids[row]]
        total = math.log(sum(math.exp(s[k]) for k in own + negatives))
        terms.append(mean([total - s[p] for p in own]))
    return mean(terms)


def clocs(views, *, patients, temperature):
    n, total, pairs = len(views[0]), 0.0, list(combinations(range(len(views)), 2))
    for first, second in pairs:
        for a, b in ((first, second), (second, first)):
            own, others = [], []
            for i, row in enumerate(cosines(views[a], views[b])):
                everything = math.log(sum(math.exp(s / temperature) for s in row))
                for j in range(n):
                    if patients[i] == patients[j]:
                        (own if i == j else others).append(everything - row[j] / temperature)
            total += mean(own) + (mean(others) if others else 0.0)
    return total / len(pairs)


def hard_negative(z1, z2, *, temperature, tau_plus, beta, ids):
    terms = []
    for _, s, partner, negatives in two_views(z1, z2, temperature, ids):
        own, n = math.exp(s[partner]), len(negatives)
        if n == 0:
            terms.append(0.0)
            continue
        raw = [math.exp(beta * s[u]) for u in negatives]
        usual = mean(raw)
        weighted = sum(w / usual * math.exp(s[u]) for w, u in zip(raw, negatives, strict=True))
        corrected = max(n * math.exp(-1 / temperature), (weighted - n * tau_plus * own) / (1 - tau_plus))
        terms.append(-math.log(own / (own + corrected)))
    return mean(terms)


def debiased(z1, z2, *, temperature, tau_plus, ids):
    terms = []
    for _, s, partner, negatives in two_views(z1, z2, temperature, ids):
        own, n = math.exp(s[partner]), len(negatives)
        total = sum(math.exp(s[u]) for u in negatives)
        corrected = max(n * math.exp(-1 / temperature), (total - n * tau_plus * own) / (1 - tau_plus))
        terms.append(-math.log(own / (own + corrected)))
    return mean(terms)


def decoupled(z1, z2, *, temperature, ids):
    return decoupled_weighted(z1, z2, temperature=temperature, sigma=math.inf, ids=ids)


def decoupled_weighted(z1, z2, *, temperature, sigma, ids):
    n, terms = len(z1), []
    pull = [math.exp(cosine(u, v) / sigma) for u, v in zip(z1, z2, strict=True)]
    for i, s, partner, negatives in two_views(z1, z2, temperature, ids):
        if negatives:
            weight = 2 - pull[i % n] / mean(pull)
            terms.append(math.log(sum(math.exp(s[u]) for u in negatives)) - weight * s[partner])
    return mean(terms)


def expclr(z, features, *, delta, temperature, largest=None):
    apart, far = table(distance, z, z), table(distance, features, features)
    top = largest or max(max(row) for row in far)
    pairs = [(i, j) for i in range(len(z)) for j in range(len(z))]
    errors = [((1 - (1 - far[i][j] / top)) * delta - apart[i][j]) ** 2 for i, j in pairs]
    worst = max(errors)
    return worst + temperature * math.log(mean([math.exp((e - worst) / temperature) for e in errors]))


def negative_cosine(p1, p2, z1, z2):
    return -mean([(cosine(p1[i], z2[i]) + cosine(p2[i], z1[i])) / 2 for i in range(len(p1))])


def byol(p1, p2, z1, z2):
    def gap(p, z):
        return distance(p / math.sqrt(dot(p, p)), z / math.sqrt(dot(z, z))) ** 2

    return mean([gap(p1[i], z2[i]) + gap(p2[i], z1[i]) for i in range(len(p1))])


def barlow_twins(z1, z2, *, off_diagonal_weight):
    def standard(column):
        centre = mean(column)
        return [(x - centre) / math.sqrt(mean([(y - centre) ** 2 for y in column]) + 1e-5) for x in column]

    a, b = ([standard(column.tolist()) for column in z.T] for z in (z1, z2))
    total = 0.0
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            c = mean([x * y for x, y in zip(left, right, strict=True)])
            total += (1 - c) ** 2 if i == j else off_diagonal_weight * c**2
    return total


def vicreg(z1, z2, *, invariance, variance, covariance):
    n, d = z1.shape
    total = invariance * mean([(z1[i, j] - z2[i, j]) ** 2 for i in range(n) for j in range(d)])
    for z in (z1, z2):
        centre = [mean(column.tolist()) for column in z.T]
        cov = [
            [sum((z[i, a] - centre[a]) * (z[i, b] - centre[b]) for i in range(n)) / (n - 1) for b in range(d)]
            for a in range(d)
        ]
        total += variance / 2 * mean([max(0.0, 1 - math.sqrt(cov[a][a] + 1e-4)) for a in range(d)])
        total += covariance / d * sum(cov[a][b] ** 2 for a in range(d) for b in range(d) if a != b)
    return total


def codes(scores, epsilon, iterations):
    """SwAV's listing: Q = exp(scores/ε)ᵀ, Q /= ΣQ, rows /= (sum · K), columns /= (sum · B)."""
    n, k = scores.shape
    q = [[math.exp((scores[b, j] - scores.max()) / epsilon) for b in range(n)] for j in range(k)]
    for _ in range(iterations):
        q = [[x / (sum(row) * k) for x in row] for row in q]
        columns = [sum(row[b] for row in q) * n for b in range(n)]
        q = [[row[b] / columns[b] for b in range(n)] for row in q]
    return np.array(q).T * n


def swav(scores, *, temperature, epsilon, iterations, assign):
    terms = []
    for i in assign:
        q = codes(scores[i], epsilon, iterations)
        for v in [v for v in range(len(scores)) if v != i]:
            for b, row in enumerate(scores[v] / temperature):
                total = math.log(sum(math.exp(x) for x in row))
                terms.append(-sum(q[b, j] * (row[j] - total) for j in range(len(row))))
    return mean(terms)


def alignment(z1, z2, *, alpha=2.0):
    return mean([(2 - 2 * cosine(u, v)) ** (alpha / 2) for u, v in zip(z1, z2, strict=True)])


def uniformity(z, *, t=2.0):
    s = cosines(z, z)
    return math.log(mean([math.exp(-t * (2 - 2 * s[i][j])) for i, j in combinations(range(len(z)), 2)]))


def mixup_mcl(mixed, z1, z2, *, lam, temperature):
    terms, n = [], len(mixed)
    shares = np.broadcast_to(lam, n)
    for i, row in enumerate(cosines(mixed, [*z1, *z2])):
        logits = [s / temperature for s in row]
        total = math.log(sum(math.exp(v) for v in logits))
        terms.append(-shares[i] * (logits[i] - total) - (1 - shares[i]) * (logits[n + i] - total))
    return mean(terms)


def mae(predicted, target, *, mask, normalise):
    terms = []
    for i, j in zip(*np.nonzero(mask), strict=True):
        wanted = target[i, j].tolist()
        if normalise:
            centre = mean(wanted)
            variance = sum((x - centre) ** 2 for x in wanted) / (len(wanted) - 1)
            wanted = [(x - centre) / math.sqrt(variance + 1e-6) for x in wanted]
        terms.append(mean([(x - y) ** 2 for x, y in zip(predicted[i, j].tolist(), wanted, strict=True)]))
    return mean(terms)
