"""
One record that moves every centroid
====================================

The published ClustMix adds noise to the centroids of clusters that all have at least *l* records.
In the mean of *l* points of the unit box one of them weighs at most √D/*l*, and the proof takes
this for the sensitivity of all centroids. It overlooks that a record may also change who belongs
where. Here one record out of 201 moves both centroids across the square.
"""

# %%
# Fifty records lie on each corner of the unit square, and one more in the middle of its left side.
# In the neighbouring table this one lies in the middle of the lower side.

import matplotlib.pyplot as plt
import numpy as np

from skdpsynth.clustmix import SizeConstrainedGaussianMixture
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger

corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
odd_ones = np.array([[0.0, 0.5], [0.5, 0.0]])
tables = [np.append(np.repeat(corners, 50, axis=0), [odd], axis=0) for odd in odd_ones]

# %%
# Two clusters of at least 100 records each. The best split is left and right in the first table,
# and bottom and top in the second: it always puts the odd record on a side that it lies on.

min_size = 100
mixtures = [
    SizeConstrainedGaussianMixture(
        2, min_size=min_size, covariance_type="spherical", n_init=20, random_state=0
    ).fit(table)
    for table in tables
]
moved = np.linalg.norm(mixtures[0].means_ - mixtures[1].means_)
claimed = np.sqrt(2) / min_size
print(f"The centroids move by {moved:.4f}; the claim is that they move by at most {claimed:.4f}.")

# %%
# Noise for the claimed sensitivity hides nothing of this. A hundred releases of either table, under
# what would be ε = 1 if the claim held:

epsilon, delta, n_releases = 1.0, 1e-6, 100
noise = NoiseSource(0)


def release_centroids(mixture):
    desk = Mechanisms(PrivacyLedger(epsilon, delta, "replace_one"), noise)
    desk.mark_unproven("the published proof")
    return desk.gaussian(mixture.means_, sensitivity=claimed, mu=desk.mu, name="centroids")


published = [np.array([release_centroids(m) for _ in range(n_releases)]) for m in mixtures]

# %%
# The sound form assigns every record to the nearest of *public* centroids, and releases how many
# records each has and their sum. Now a record moves nothing but itself: replacing it changes what
# is released by at most √2·√(1 + D). The noise is for this sensitivity. It is larger, and the two
# tables, which are almost the same, look almost the same. With more records than 201 the means
# would be more precise, and just as hard to tell apart.

public_centroids = np.array([[0.25, 0.5], [0.75, 0.5]])


def release_means(table):
    distance = np.sum((table[:, None] - public_centroids) ** 2, axis=2)
    member = np.eye(2)[np.argmin(distance, axis=1)]
    sums = np.column_stack([member.sum(axis=0), member.T @ table])
    desk = Mechanisms(PrivacyLedger(epsilon, delta, "replace_one"), noise)
    sensitivity = desk.nonnegative_sensitivity(np.sqrt(1 + 2))
    noisy = desk.gaussian(sums, sensitivity=sensitivity, mu=desk.mu, name="counts and sums")
    return np.clip(noisy[:, 1:] / np.maximum(noisy[:, :1], 1), 0, 1)


sound = [np.array([release_means(table) for _ in range(n_releases)]) for table in tables]

# %%
# Above, the two tables, the odd record in a ring, the clusters by colour, and the centroids as
# crosses. Below, what somebody sees who is to tell from one release which of the tables it was.

figure, axes = plt.subplots(
    2, 2, figsize=(7.5, 7.5), sharex=True, sharey=True, layout="constrained"
)
scatter = np.random.default_rng(0).normal(0, 0.025, (201, 2))
scatter[-1] = 0
colours = np.array(["tab:blue", "tab:orange"])
names = ["first table", "second table"]
for ax, table, mixture, name in zip(axes[0], tables, mixtures, names, strict=True):
    ax.scatter(*(table + scatter).T, s=6, c=colours[mixture.labels_])
    ax.scatter(*table[-1], s=350, facecolors="none", edgecolors="black")
    ax.scatter(*mixture.means_.T, s=120, c=colours, marker="X", edgecolors="black")
    ax.set_title(name)
for old, new in zip(mixtures[0].means_, mixtures[1].means_, strict=True):
    axes[0, 1].annotate("", new, old, arrowprops={"arrowstyle": "->", "shrinkB": 10})
for ax, clouds, title in zip(
    axes[1], [published, sound], ["published: told apart", "sound: hardly"], strict=True
):
    for cloud, marker, name in zip(clouds, ["o", "^"], names, strict=True):
        ax.scatter(*cloud.reshape(-1, 2).T, s=14, marker=marker, alpha=0.5, label=name)
    ax.set_title(title)
for ax in axes.flat:
    ax.set(xlim=(-0.25, 1.25), ylim=(-0.25, 1.25), aspect="equal")
legend = axes[1, 0].legend(loc="center")
