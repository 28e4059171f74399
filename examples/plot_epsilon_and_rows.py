"""
What ε costs, and what more rows are worth
==========================================

A smaller ε means more noise, and worse models from the synthetic rows. How much worse? That depends
on how many rows the noise is shared by. This page measures both, on a made-up table of which there
can be as many rows as we like.
"""

# %%
# Seven columns, some of which the target depends on: age, smoking, and two of four markers.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdpsynth import Categorical, Continuous, Count, NapsuMQSynthesizer, TableSchema
from skdpsynth.displays import PrivacyUtilityDisplay
from skdpsynth.metrics import TSTRScorer

levels = Categorical(["never", "former", "current"])
schema = TableSchema(
    {
        "age": Count(18, 100),
        "pressure": Continuous(50, 250),
        "smokes": levels,
        **{f"marker {number}": Continuous(-5, 5) for number in range(1, 5)},
        "ill": Categorical(["no", "yes"]),
    },
    target="ill",
)


def patients(n_rows, seed):
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 95, n_rows)
    smokes = rng.choice(levels.levels, n_rows, p=[0.5, 0.3, 0.2])
    markers = {f"marker {number}": rng.normal(0, 1, n_rows) for number in range(1, 5)}
    pressure = rng.normal(95 + 0.6 * age, 15).clip(50, 250)
    risk = (age - 60) / 12 + 1.5 * (smokes == "current") + markers["marker 1"] - markers["marker 2"]
    ill = np.where(rng.logistic(size=n_rows) < risk, "yes", "no")
    return pd.DataFrame({"age": age, "pressure": pressure, "smokes": smokes, **markers, "ill": ill})


# %%
# A logistic regression is trained on synthetic rows, as many as there were real ones, and tested on
# real rows. Every ε and every number of rows has five tables of its own: another draw of the rows,
# and of the noise.
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a table that is made up, and for no private one.

test = patients(10_000, seed=99)
X_test, y_test = test.drop(columns="ill"), test["ill"]
columns = make_column_transformer((OneHotEncoder(), ["smokes"]), remainder=StandardScaler())
scorer = TSTRScorer(make_pipeline(columns, LogisticRegression()), random_state=0)


def measure(n_rows, epsilon, seed):
    rows = patients(n_rows, seed)
    synthesizer = NapsuMQSynthesizer(epsilon=epsilon, schema=schema, random_state=seed).fit(rows)
    return {
        "method": f"{n_rows:,} rows",
        "n_rows": n_rows,
        "epsilon": epsilon,
        "roc_auc": scorer(synthesizer, X_test, y_test),
    }


runs = pd.DataFrame(
    [
        measure(n_rows, epsilon, seed)
        for n_rows in (1_000, 4_000, 16_000)
        for epsilon in (0.1, 0.4, 1.6, 6.4)
        for seed in range(5)
    ]
)
print(runs.pivot_table("roc_auc", "n_rows", "epsilon").round(3).to_string())

# %%
# The score against ε, with the standard deviation over the five tables. The curves rise and level
# off, each at its own place: with 16,000 rows there is little to win above ε = 0.4, with 1,000
# there is a lot.

display = PrivacyUtilityDisplay.from_results(runs, "roc_auc")

# %%
# Now against ε times the number of rows: one curve. The noise in a count is about the same however
# many rows there are, and halves when ε doubles, so that the noise in a *share* depends on the
# product. Four times the rows are worth a four times smaller ε. Before asking for a larger ε, ask
# for more rows.

figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
means = runs.groupby(["method", "n_rows", "epsilon"], sort=False)["roc_auc"].mean().reset_index()
colours = {"1,000 rows": "#c2410c", "4,000 rows": "#1d4ed8", "16,000 rows": "#15803d"}
for marker, (method, colour) in zip("osD", colours.items(), strict=True):
    points = means[means["method"] == method]
    budget = points["epsilon"] * points["n_rows"]
    axes.plot(budget, points["roc_auc"], marker, color=colour, label=method)
axes.set(xscale="log", xlabel="ε times the number of rows", ylabel="area under the ROC curve")
legend = axes.legend()

# sphinx_gallery_thumbnail_number = 2
