"""
Two copies, one of which is bad
===============================

Every column of a synthetic table may look right, and the table be of no use: what makes it useful
is how its columns hang together. This page shows the pictures of a report for a good copy and for a
bad one, and what to look for in them.
"""

# %%
# The table is the RAND Health Insurance Experiment. Three quarters of the families are copied; the
# others are held back for a test.

from sklearn.model_selection import StratifiedGroupKFold

from skdpsynth import DPMixtureSynthesizer, NapsuMQSynthesizer
from skdpsynth.datasets import load_rand_hie
from skdpsynth.displays import MarginalDisplay, MomentDisplay, PairwiseDisplay, TSTRDisplay

hie = load_rand_hie()
schema = hie.schema
folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=0)
kept, held_back = next(folds.split(hie.frame, hie.target, hie.groups))
train, test = hie.frame.iloc[kept], hie.frame.iloc[held_back]

# %%
# Both copies have the same budget. The bad one measures every column by itself, and nothing else.
#
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

good = DPMixtureSynthesizer(epsilon=1.0, schema=schema, random_state=0).fit(train)
bad = NapsuMQSynthesizer(
    epsilon=1.0, schema=schema, queries=[(name,) for name in schema], random_state=0
).fit(train)
good_rows = good.sample(len(train), random_state=0)
bad_rows = bad.sample(len(train), random_state=0)

# %%
# *One column at a time*, the bad copy. Hardly anything is wrong here. The number in the corner of a
# panel is the total-variation distance: the share of rows that would have to change.

marginals = MarginalDisplay.from_tables(train, bad_rows, schema)

# %%
# Its means are on the diagonal. Two standard deviations are too large: where hardly anybody is,
# noise puts some rows, and rows far out count a lot in a standard deviation.

moments = MomentDisplay.from_tables(train, bad_rows, schema)

# %%
# *Two columns at a time.* Each cell says how far two columns are from independent: in the real
# table, in the copy, and the difference. In the last panel, purple is dependence that was lost. The
# bad copy has none at all,

pairs = PairwiseDisplay.from_tables(train, bad_rows, schema)

# %%
# and the good one has most of it. Mind the scale of the last panel.

pairs = PairwiseDisplay.from_tables(train, good_rows, schema)

# %%
# *Train on synthetic, test on real.* A model of self-rated health that was trained on the bad copy
# guesses. Trained on the good one, it is about as good as one that was trained on real rows.

curves = TSTRDisplay.from_estimator(bad, test, real=train, random_state=0)

# %%

curves = TSTRDisplay.from_estimator(good, test, real=train, random_state=0)

# sphinx_gallery_thumbnail_number = 3
