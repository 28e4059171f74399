"""
Rows of a kind that you ask for
===============================

A synthesizer is a model of the whole table, and can be asked for rows of one kind only: patients
with two conditions at once, say, however rare they are. `NapsuMQSynthesizer` enters the values in
its network before it draws, so that no row is drawn and thrown away. It costs no privacy, since the
rows are asked nothing new.
"""

# %%
# The RAND Health Insurance Experiment: visits to a doctor in a year, the share that people had to
# pay themselves, a limitation, and what they thought of their own health. The share comes from the
# description of the experiment, without a look at the rows.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdpsynth import Categorical, Count, NapsuMQSynthesizer, TableSchema
from skdpsynth.datasets import load_rand_hie

hie = load_rand_hie()
table = pd.DataFrame(
    {
        "visits": hie.frame["mdvis"],
        "pays": np.where(hie.frame["lncoins"] == 0, "nothing", "a share"),
        "limited": np.where(hie.frame["physlm"] >= 0.5, "yes", "no"),
        "poor health": hie.frame["fair_or_poor"],
    }
)
schema = TableSchema(
    {
        "visits": Count(0, 104),
        "pays": Categorical(["nothing", "a share"]),
        "limited": Categorical(["no", "yes"]),
        "poor health": Categorical(["no", "yes"]),
    }
)

# %%
# All four columns are one query: the table is fitted once, with one budget.
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

synthesizer = NapsuMQSynthesizer(
    epsilon=1.0, schema=schema, queries=[tuple(schema)], random_state=0
).fit(table)

# %%
# Ten thousand people who are limited, in poor health, and pay a share. In the table they are few,
# and to draw so many of them without conditions one would have to draw many more rows.

sick = {"pays": "a share", "limited": "yes", "poor health": "yes"}
rows = synthesizer.sample(10_000, conditions=sick, random_state=0)
print(rows.head(3))
share = (table[list(sick)] == pd.Series(sick)).all(axis=1).mean()
print(f"{share:.1%} of the real rows are of this kind")

# %%
# Any question can now be asked of the model. Here: who sees a doctor more than five times a year?
# Real rows in grey, for comparison; the person who holds them would keep these to themselves. The
# fewer real rows a group has, the more the noise moves it.

groups = [
    {"pays": pays, "limited": limited, "poor health": poor}
    for poor in ("no", "yes")
    for limited in ("no", "yes")
    for pays in ("a share", "nothing")
]


def share_of_many(visits):
    return 100 * (visits > 5).mean()


synthetic = [
    share_of_many(synthesizer.sample(10_000, conditions=group, random_state=0)["visits"])
    for group in groups
]
real_rows = [table.loc[(table[list(group)] == pd.Series(group)).all(axis=1)] for group in groups]

figure, axes = plt.subplots(figsize=(7.5, 4), layout="constrained")
place = np.arange(len(groups))
axes.barh(place - 0.2, [share_of_many(rows["visits"]) for rows in real_rows], 0.4, color="#b4bbc6")
axes.barh(place + 0.2, synthetic, 0.4, color="#c2410c")
axes.set_yticks(
    place,
    [
        f"{'poor' if group['poor health'] == 'yes' else 'good'} health, "
        f"{'limited' if group['limited'] == 'yes' else 'not limited'}, "
        f"pays {group['pays']}\n({len(rows):,} real rows)"
        for group, rows in zip(groups, real_rows, strict=True)
    ],
    fontsize=8,
)
axes.invert_yaxis()
axes.set_xlabel("more than five visits a year, per cent")
legend = axes.legend(["real", "synthetic, drawn with conditions"])
