"""
Missing values, and who has them
================================

Values are seldom missing at random: the old refuse to tell their income, and whoever skips one
question skips the next. A synthetic table without missing values, or with missing values anywhere,
would hide that. Here it is kept, without any preparation.
"""

# %%
# A made-up survey. Older people refuse to tell their income more often, up to two in five of them.
# Those who do refuse also skip the question about their savings most of the time.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdpsynth import Categorical, Continuous, Count, NapsuMQSynthesizer, TableSchema
from skdpsynth.displays import PairwiseDisplay

rng = np.random.default_rng(0)
n_rows = 8_000
age = rng.integers(18, 90, n_rows)
income = rng.gamma(4, 500 + 5 * age).clip(0, 10_000)
refused = rng.random(n_rows) < np.interp(age, [40, 80], [0.05, 0.4])
skipped = rng.random(n_rows) < np.where(refused, 0.8, 0.05)
survey = pd.DataFrame(
    {
        "age": age,
        "income": np.where(refused, np.nan, income),
        "savings": np.where(skipped, None, rng.choice(["none", "some", "much"], n_rows)),
        "owner": np.where(rng.random(n_rows) < income / 6_000, "yes", "no"),
    }
)

# %%
# *That* a column may have missing values is public, and a part of the schema. *How many* are
# missing, and whose, is private, and learned with noise like everything else.

schema = TableSchema(
    {
        "age": Count(18, 110),
        "income": Continuous(0, 10_000, nullable=True),
        "savings": Categorical(["none", "some", "much"], nullable=True),
        "owner": Categorical(["no", "yes"]),
    }
)

# %%
# The queries join the columns that matter together. To a marginal, a missing value is one more
# cell, so that (age, income) has the ages of those who refused.
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a table that is made up, and for no private one.

synthesizer = NapsuMQSynthesizer(
    epsilon=1.0,
    schema=schema,
    queries=[("age", "income"), ("income", "savings"), ("income", "owner")],
    random_state=0,
).fit(survey)
synthetic = synthesizer.sample(n_rows, random_state=0)
shares = pd.DataFrame({"real": survey.isna().mean(), "synthetic": synthetic.isna().mean()})
print(shares.round(3).to_string())

# %%
# Whose income is missing, and what else is missing then. Had the holes been filled with the mean
# before the fit, both pictures would be flat.

decades = range(20, 90, 10)


def share_by_decade(rows):
    return rows["income"].isna().groupby(rows["age"] // 10 * 10).mean().reindex(decades)


def share_of_savings(rows):
    return rows["savings"].isna().groupby(rows["income"].isna()).mean()


figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.4), width_ratios=(2, 1), layout="constrained"
)
for shift, rows, colour, name in (
    (-0.2, survey, "#b4bbc6", "real"),
    (0.2, synthetic, "#c2410c", "synthetic"),
):
    place = np.arange(len(decades)) + shift
    left.bar(place, 100 * share_by_decade(rows), 0.4, color=colour, label=name)
    right.bar(np.arange(2) + shift, 100 * share_of_savings(rows), 0.4, color=colour)
left.set(xlabel="age", ylabel="income missing, per cent")
left.set_xticks(range(len(decades)), [f"{decade}–{decade + 9}" for decade in decades])
left.legend()
right.set(ylabel="savings missing, per cent")
ticks = right.set_xticks([0, 1], ["income\ntold", "income\nmissing"])

# %%
# How much every two columns depend on each other, missing values included, real and synthetic. What
# no query asked for, as ``age`` and ``owner``, is there as far as it follows from the rest.

display = PairwiseDisplay.from_tables(survey, synthetic, schema)
