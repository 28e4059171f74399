"""
Intervals that count the noise
==============================

A synthetic table looks like a real one, and it is tempting to analyse it as if it were. The
intervals that come out are too narrow: they know of the rows that were drawn, but not of the noise
that privacy asked for. Here a logistic regression is done three ways: on real rows, on one
synthetic table, and on fifty tables whose results are combined by Rubin's rules.
"""

# %%
# The question is that of the RAND Health Insurance Experiment: do people see a doctor more often
# when care is free? The columns are coded from the description of the experiment, without a look at
# the rows. The table has several rows for a person, and several persons for a family; one row of
# each group of rows that is likely to be a family is kept, so that rows are about independent.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import statsmodels.api as sm

from skdpsynth import Categorical, NapsuMQSynthesizer, TableSchema, combine_estimates
from skdpsynth.datasets import load_rand_hie

hie = load_rand_hie()
rows = hie.frame.groupby(hie.groups).sample(1, random_state=0)
table = pd.DataFrame(
    {
        "free care": rows["lncoins"] == 0,  # a coinsurance of 0 per cent
        "limitation": rows["physlm"] >= 0.5,
        "poor health": rows["fair_or_poor"] == "yes",
        "any visit": rows["mdvis"] > 0,
    }
).astype(int)
schema = TableSchema({name: Categorical([0, 1]) for name in table}, target="any visit")
print(f"{len(table):,} rows")

# %%
# All columns of the analysis are one query: its table of 16 counts is all that is released, besides
# the row count. A larger table would have other columns too; without queries of their own they are
# measured one by one.
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

synthesizer = NapsuMQSynthesizer(
    epsilon=1.0, schema=schema, queries=[tuple(table)], random_state=0
).fit(table)
print(synthesizer.ledger_)

# %%
# The analysis is written once, for a table of any origin. It returns the coefficients and their
# variances.


def regress(frame):
    features = sm.add_constant(frame.drop(columns="any visit"))
    fitted = sm.Logit(frame["any visit"], features).fit(disp=False)
    return fitted.params, fitted.bse**2


# %%
# Real rows, which only the person who holds them can analyse, and one synthetic table of as many
# rows, taken for real.

real, real_variance = regress(table)
naive, naive_variance = regress(synthesizer.sample(synthesizer.n_records_, random_state=0))

# %%
# Fifty tables, each from a draw of its own of the posterior. Their rows cost no privacy, and with
# more of them than there are real ones the variance that they add is better known.

n_synthetic = 10_000
tables = synthesizer.sample_datasets(50, n_synthetic, random_state=0)
estimates, variances = zip(*[regress(frame) for frame in tables], strict=True)
combined = combine_estimates(
    estimates, variances, n_synthetic=n_synthetic, n_real=synthesizer.n_records_
)

# %%
# Standard errors. That of one table is about that of the real rows, as if no noise had been added.
# The combined one is larger, and the more so the fewer rows there are in the cells that a
# coefficient hangs on.

errors = {
    "real rows": np.sqrt(real_variance),
    "one synthetic table": np.sqrt(naive_variance),
    "50 tables, combined": combined.standard_error,
}
print(pd.DataFrame(errors).round(3).to_string())

# %%
# The intervals, of nominally 95 %. Those of one table are as narrow as those of the real rows,
# though noise and another draw of rows have moved their centres. What all should cover is the
# coefficient in the population, which nobody knows here; ``benchmarks/results`` has the coverage on
# simulated tables, where it is known.

half, naive_half = 1.96 * np.sqrt(real_variance), 1.96 * np.sqrt(naive_variance)
low, high = combined.interval(0.95)
intervals = {
    "real rows": (real, real - half, real + half),
    "one synthetic table": (naive, naive - naive_half, naive + naive_half),
    "50 tables, combined": (combined.estimate, low, high),
}
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for shift, (label, (estimate, left, right)) in zip([-0.2, 0, 0.2], intervals.items(), strict=True):
    place = np.arange(len(real)) + shift
    axes.errorbar(estimate, place, xerr=[estimate - left, right - estimate], fmt="o", label=label)
axes.axvline(0, color="0.8", zorder=0)
axes.set_yticks(np.arange(len(real)), real.index)
axes.invert_yaxis()
axes.set_xlabel("coefficient (log odds ratio) with its interval")
legend = figure.legend(loc="outside upper center", ncols=3)
