"""
What an attacker sees
=====================

Somebody knows every row of your table but one, and wants to find out from what you publish whether
that one is in it. Differential privacy bounds how often this can succeed. On this page the game is
played, thousands of times, at three values of ε.
"""

# %%
# A town publishes how many people of each age it has, with noise. Nobody is above ninety, except
# perhaps one woman. The attacker knows everybody else.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger

rng = np.random.default_rng(0)
others = np.histogram(rng.integers(0, 90, 5_000), bins=range(0, 110, 10))[0]
with_her = others + np.eye(10, dtype=int)[9]
print(pd.DataFrame({"without her": others, "with her": with_her}, index=range(0, 100, 10)).T)

# %%
# A row adds 1 to one count: the sensitivity is 1, and the budget decides how much noise hides it.
# Each release is bought at a desk that charges it to a ledger, as in every fit. The ledger refuses
# what exceeds the budget.
#
# Here alone, each of many releases has a budget of its own: the game is played anew every time. A
# seed makes this page reproducible; a town would leave it out.

noise = NoiseSource(0)


def publish(counts, epsilon):
    desk = Mechanisms(PrivacyLedger(epsilon=epsilon, delta=1e-6), noise)
    return desk.gaussian(counts, sensitivity=1.0, mu=desk.mu, name="ages", grid=1.0)


# %%
# The best attack takes away what is known and looks at what is left in her cell: 0 without her, 1
# with her, and the noise. It says "she is there" above one half. The bound, (e\ :sup:`ε` + δ) /
# (e\ :sup:`ε` + 1), holds for this attack and for every other one, from even odds beforehand.

n_games = 2_000
epsilons = [0.1, 1, 5]
left_over = {
    epsilon: [
        np.array([publish(counts, epsilon)[9] - others[9] for _ in range(n_games)])
        for counts in (others, with_her)
    ]
    for epsilon in epsilons
}
shares = pd.DataFrame(
    {
        "right answers": [
            (np.mean(without <= 0.5) + np.mean(with_it > 0.5)) / 2
            for without, with_it in left_over.values()
        ],
        "bound": [(np.exp(epsilon) + 1e-6) / (np.exp(epsilon) + 1) for epsilon in epsilons],
    },
    index=pd.Index(epsilons, name="ε"),
)
print(shares.round(3).to_string())

# %%
# At ε = 0.1 the two are as good as equal, and at ε = 1 nearly so. At ε = 5 the attacker starts to
# win. How far the attack stays below the bound is not a mistake: the bound is for mechanisms that
# give away as much as ε allows, and Gaussian noise with so small a δ gives away less.

figure, panels = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for panel, (epsilon, (without, with_it)) in zip(panels, left_over.items(), strict=True):
    width = np.ptp(with_it) / 24
    bins = np.arange(-12, 13) * max(1, round(width)) - 0.5
    panel.hist(without, bins, color="#b4bbc6", label="she is not there")
    panel.hist(with_it, bins, histtype="step", color="#c2410c", linewidth=1.8, label="she is there")
    right = shares.loc[epsilon, "right answers"]
    panel.set_title(f"ε = {epsilon:g}: {right:.0%} right", loc="left", fontweight="bold")
    panel.set(xlabel="what is left in her cell", yticks=[])
legend = panels[0].legend(loc="upper left", fontsize=8)
