"""
Choosing settings without paying for it
=======================================

Settings of a synthesizer are chosen like those of any model: try some, score them, keep the best.
But each try is a fit, each fit of private rows spends a budget, and the scores are not private at
all. On public rows that resemble the private ones the same search is free. Here both are done, to
see whether they agree and what the second would have cost.
"""

# %%
# Families of the RAND Health Insurance Experiment who paid nothing for care stand for a public
# survey; those who paid a part are the private table. They differ, as proxies do: free care is used
# more often. The schema was written from the description of the experiment and describes both.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from skdpsynth import DPMixtureSynthesizer, make_synthesizer_pipeline, total_privacy_cost
from skdpsynth.datasets import load_rand_hie
from skdpsynth.metrics import TSTRScorer
from skdpsynth.preprocessing import BoundedDiscretizer

hie = load_rand_hie()
is_free = hie.frame["lncoins"] == 0
schema = hie.schema.drop(["lncoins"])
target = schema.target
proxy = hie.frame.loc[is_free, list(schema)]
private = hie.frame.loc[~is_free, list(schema)]
print(f"{len(proxy):,} public rows, {len(private):,} private ones")

# %%
# A pipeline bins the numbers and copies the binned table; what it draws goes back through the bins.
# The synthesizer has no schema of its own: it takes that of the bins. More components see more of
# what the columns have to do with each other, and each is noisier. How many for ε = 0.3?
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

pipeline = make_synthesizer_pipeline(
    BoundedDiscretizer(schema, n_bins=16), DPMixtureSynthesizer(epsilon=0.3, random_state=0)
)
name = "dpmixturesynthesizer__n_components"
candidates = [2, 32, 128, 512]


def search(rows):
    """Score every candidate by models trained on synthetic and tested on real rows."""
    # a fold drawn for every row by itself: one row more changes no other row's fold
    folds = PredefinedSplit(np.random.default_rng(0).integers(0, 3, len(rows)))
    scorer = TSTRScorer(random_state=0)
    found = GridSearchCV(pipeline, {name: candidates}, cv=folds, scoring=scorer)
    return found.fit(rows.drop(columns=target), rows[target])


# %%
# The search on public rows, and the one fit of the private table with what it found.

on_proxy = search(proxy)
print(on_proxy.best_params_)

chosen = on_proxy.best_estimator_.fit(private.drop(columns=target), private[target])
print(chosen.privacy_spent_)
print(chosen.sample(3, random_state=0))

# %%
# The search that should not be done, and what its fits would have spent: of three fits per
# candidate two see a given row, and the best candidate is fitted again.

on_private = search(private)
cost = total_privacy_cost(on_private, delta=1e-6)
print(on_private.best_params_)
print(f"{cost.n_fits} fits: epsilon = {cost.epsilon:.2f} at delta = {cost.delta:g}")
print(cost.notes[0])

# %%
# The proxy's scores are not those of the private table, but both fall where the noise takes over,
# and both searches choose the same.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=(2, 1), layout="constrained"
)
for found, label, colour in (
    (on_proxy, "public proxy", "#1d4ed8"),
    (on_private, "private rows", "#c2410c"),
):
    results = found.cv_results_
    left.errorbar(
        candidates,
        results["mean_test_score"],
        results["std_test_score"],
        marker="o",
        capsize=3,
        color=colour,
        label=label,
    )
left.set_xscale("log", base=2)
left.set_xticks(candidates, candidates)
left.set_xlabel("components")
left.set_ylabel("train on synthetic, test on real")
left.legend(loc="lower left")
spent = [chosen.privacy_spent_.epsilon, cost.epsilon]
bars = right.bar(
    ["search on proxy,\none private fit", "search on\nprivate rows"], spent, color="#b4bbc6"
)
right.bar_label(bars, [f"{epsilon:.2f}" for epsilon in spent])
right.set_ylabel("ε spent on private rows")
right.margins(y=0.15)
