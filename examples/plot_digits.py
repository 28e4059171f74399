"""
Handwritten digits that nobody wrote
====================================

A scanned digit is a row like any other: 64 numbers, one for each pixel, and a label. Tables that
are so wide and purely numeric are what `ClustMixSynthesizer` is for. Here it copies the handwritten
digits that come with scikit-learn, and the copies teach a classifier to read real ones.
"""

# %%
# The schema is what everybody knows about the scans: eight by eight pixels with 17 shades of grey,
# and ten digits. A quarter of the 1,797 digits is held back for a test.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdpsynth import Categorical, ClustMixSynthesizer, Count, TableSchema

digits = load_digits(as_frame=True)
pixels = digits.feature_names
schema = TableSchema(
    {**dict.fromkeys(pixels, Count(0, 16)), "target": Categorical(range(10))}, target="target"
)
train, test = train_test_split(digits.frame, stratify=digits.target, random_state=0)

# %%
# With so many numeric columns, ``mode="auto"`` models a row as a vector: noisy principal
# components, noisy means and covariances of the ten classes, and a noisy histogram of every pixel.
# An ε of infinity adds no noise and promises nothing. It shows what the model alone makes of the
# digits.
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

budgets = [0.3, 1, 3, 10, float("inf")]
copies = {
    epsilon: ClustMixSynthesizer(epsilon=epsilon, delta=1e-5, schema=schema, random_state=0)
    .fit(train)
    .sample(len(train), random_state=0)
    for epsilon in budgets
}

# %%
# What counts is not whether they are pretty but whether one can learn from them. A logistic
# regression is trained on the real digits, and on each of the copies. All are tested on the real
# digits that were held back.


def accuracy(rows):
    reader = make_pipeline(
        FunctionTransformer(lambda shades: shades / 16), LogisticRegression(max_iter=1_000)
    )
    return reader.fit(rows[pixels], rows["target"]).score(test[pixels], test["target"])


scores = {"real": accuracy(train), **{epsilon: accuracy(rows) for epsilon, rows in copies.items()}}
for name, score in scores.items():
    print(f"{name:>4}: {score:.3f}")

# %%
# One of each kind, drawn at random. At ε = 0.3 the noise is all there is: 1,347 digits are few.
# From ε = 1 on, one digit may be hard to read, and yet most of the real ones are read by who has
# learned from the copy. Noise blurs every single digit, but what hundreds of them have in common is
# clearer than any one of them. What is missing at ε = ∞ too is what a normal distribution of every
# class does not express.

names = ["real"] + [f"ε = {epsilon:g}".replace("inf", "∞") for epsilon in budgets]
tables = [train, *copies.values()]
figure, axes = plt.subplots(
    len(tables), 10, figsize=(8, 5.4), subplot_kw={"xticks": [], "yticks": []}, layout="constrained"
)
for row, name, score, rows in zip(axes, names, scores.values(), tables, strict=True):
    for digit, axis in enumerate(row):
        image = rows.loc[rows["target"] == digit, pixels].sample(1, random_state=3)
        axis.imshow(image.to_numpy().reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    row[0].set_ylabel(f"{name}\n{score:.2f}", rotation=0, ha="right", va="center")
title = figure.suptitle("Digits, and the accuracy of a classifier that was trained on them")
