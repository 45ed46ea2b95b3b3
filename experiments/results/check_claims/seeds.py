"""Student's t, rank correlation and Holm's correction."""

import math

SEEDS_NEEDED = 6


class Missing(Exception):
    """The value of a run is not recorded or not defined."""


def beta_fraction(a, b, x):
    """The continued fraction of the incomplete beta function (Lentz's method)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / max(abs(1.0 - (a + b) * x / (a + 1.0)), tiny)
    h = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            h *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return h


def incomplete_beta(a, b, x):
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * beta_fraction(a, b, x) / a
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b


def two_sided(t, freedom):
    """P(|T| > |t|)."""
    return incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))


def quantile(freedom):
    """The t with P(|T| > t) = 0.05."""
    low, high = 0.0, 1e3
    for _ in range(200):
        middle = (low + high) / 2.0
        low, high = (middle, high) if two_sided(middle, freedom) > 1.0 - 0.95 else (low, middle)
    return (low + high) / 2.0


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    centre = mean(values)
    return math.sqrt(sum((v - centre) ** 2 for v in values) / (len(values) - 1))


def interval(values):
    half = quantile(len(values) - 1) * deviation(values) / math.sqrt(len(values))
    return [mean(values) - half, mean(values) + half]


def t_test(values, bound):
    t = (mean(values) - bound) * math.sqrt(len(values)) / deviation(values)
    return min(two_sided(t, len(values) - 1), 1.0)


def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    found, start = [0.0] * len(values), 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            found[i] = (start + 1 + end) / 2.0
        start = end
    return found


def spearman(x, y):
    x, y = ranks(x), ranks(y)
    centre = (len(x) + 1) / 2.0
    xy = sum((a - centre) * (b - centre) for a, b in zip(x, y))
    xx, yy = (sum((a - centre) ** 2 for a in values) for values in (x, y))
    if len(x) < 3 or xx <= 0.0 or yy <= 0.0:
        raise Missing
    return xy / math.sqrt(xx * yy)


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, largest = [0.0] * len(p), 0.0
    for step, i in enumerate(order):
        largest = max(largest, min(p[i] * (len(p) - step), 1.0))
        found[i] = largest
    return found
