"""Computes other_tools.npz: values of other tools' formulas on one small set. See README.md.

Only functions of cleanlab and scikit-learn are called; the formulas of the other tools are written
out with NumPy.
"""

import sys

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score, roc_auc_score

K, D, PER_CLASS = 4, 6, 9
n = K * PER_CLASS
i, j = np.arange(n)[:, None], np.arange(D)[None, :]
labels = np.arange(n) % K
h = np.sin(1.7 * i + 0.9 * j + 0.31 * i * j) + 2.5 * (j == labels[:, None]) + 0.4 * j
k = np.arange(K)[:, None]
W = np.cos(0.8 * k + 1.3 * j) + 1.5 * (j == k)
b = np.array([0.3, -0.2, 0.1, 0.4])
logits = h @ W.T + b

means = np.stack([h[labels == c].mean(0) for c in range(K)])
centre = means.mean(0)
M = means - centre
residuals = h - means[labels]
sigma_w = residuals.T @ residuals / n
variances = np.array([(residuals[labels == c] ** 2).sum(1).mean() for c in range(K)])
etf = (np.eye(K) - np.ones((K, K)) / K) / np.sqrt(K - 1)
frobenius = np.linalg.norm


def structure(a):
    return frobenius(a / frobenius(a) - etf)


def over_pairs(value):
    return np.mean([value(a, c) for a in range(K) for c in range(a + 1, K)])


unit = M / frobenius(M, axis=1, keepdims=True)
between_d, between_k = M.T @ M / D, M.T @ M / K
squares = (h**2).sum(1)[:, None] + (means**2).sum(1) - 2 * h @ means.T
rhubarbwu = {
    "covariance_pinv": np.trace(np.linalg.pinv(between_d) @ sigma_w) / K,
    "covariance_svd": np.trace(np.linalg.pinv(between_d) @ sigma_w),
    "covariance_pinv_later": np.trace(np.linalg.pinv(between_k) @ sigma_w) / K,
    "covariance_ratio": np.trace(sigma_w) / np.trace(between_d),
    "variability_cdnv": over_pairs(
        lambda a, c: (variances[a] + variances[c]) / 2 / ((means[a] - means[c]) ** 2).sum()
    ),
    "mean_norms": frobenius(M, axis=1),
    "interference_grid": M @ M.T,
    "similarities_cos": (W * M).sum(1) / frobenius(W, axis=1) / frobenius(M, axis=1),
    "distance_norms": frobenius(W / frobenius(W, axis=1, keepdims=True) - unit, axis=1),
    "simplex_etf_error": structure(M @ M.T),
    "self_duality_error": structure(W @ M.T),
    "clf_ncc_agreement": np.mean((h @ W.T).argmax(1) == squares.argmin(1)),
    "kernel_stats_log": over_pairs(lambda a, c: -np.log(frobenius(unit[a] - unit[c]))),
}
tding1 = {
    "collapse_metric": np.trace(sigma_w @ np.linalg.pinv(between_k)) / K,
    "ETF_metric": structure(W @ W.T),
    "WH_relation_metric": structure(W @ M.T),
    "Wh_b_relation_metric": frobenius(W @ h.mean(0) - b),
}

p = np.exp(logits - logits.max(1, keepdims=True))
p /= p.sum(1, keepdims=True)
confidence, right = p.max(1), p.argmax(1) == labels
bins = np.digitize(confidence, np.linspace(0, 1, 16)) - 1
gaps = [(right[bins == c] * 1.0 - confidence[bins == c]).sum() for c in range(16)]
torchmetrics = {"MulticlassCalibrationError": np.abs(gaps).sum() / n}
methods = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
cleanlab = {m: get_label_quality_scores(labels, p, method=m) for m in methods}

# Rounded scores have ties.
scores = np.round(4 * np.sin(np.arange(n) ** 2)) / 4
positives = (np.arange(n) * 7 % 10 < 3) | (scores > 0.9)
sklearn = {
    "roc_auc_score": roc_auc_score(positives, scores),
    "average_precision_score": average_precision_score(positives, scores),
}

arrays = {"scores": scores, "positives": positives.astype(np.int64), "h": h, "labels": labels, "W": W, "b": b, "logits": logits}
for tool, values in [
    ("rhubarbwu", rhubarbwu),
    ("tding1", tding1),
    ("torchmetrics", torchmetrics),
    ("cleanlab", cleanlab),
    ("sklearn", sklearn),
]:
    arrays |= {f"{tool}_{name}": np.asarray(value, float) for name, value in values.items()}
np.savez_compressed(sys.argv[1], **arrays)
for name, value in arrays.items():
    if np.ndim(value) == 0:
        print(name, value)
