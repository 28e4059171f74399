"""
A private copy of a health survey
=================================

The RAND Health Insurance Experiment followed families that had been assigned to insurance plans at
random. Its table mixes counts, amounts with many zeros and yes-or-no columns. Here a synthesizer
copies it with ε = 1, and we look at what survives.
"""

# %%
# The table comes with a public schema: bounds and levels that were written from the description of
# the experiment. Three quarters of the families are given to the synthesizer; a family has several
# rows, and a model tested on other rows of the families it was trained on would recognise them.

from sklearn.model_selection import StratifiedGroupKFold

from skdpsynth import DPMixtureSynthesizer
from skdpsynth.datasets import load_rand_hie
from skdpsynth.displays import MarginalDisplay
from skdpsynth.metrics import TSTRScorer, marginal_tvds

hie = load_rand_hie()
folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=0)
kept, held_back = next(folds.split(hie.frame, hie.target, hie.groups))
train, test = hie.frame.iloc[kept], hie.frame.iloc[held_back]
print(hie.schema)

# %%
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

synthesizer = DPMixtureSynthesizer(epsilon=1.0, schema=hie.schema, random_state=0).fit(train)
synthetic = synthesizer.sample(len(train), random_state=0)
print(synthesizer.privacy_spent_)

# %%
# Every column on its own, real and synthetic.

display = MarginalDisplay.from_tables(train, synthetic, hie.schema)

# %%
# The pairs of columns that fare worst.

distances = marginal_tvds(train, synthetic, hie.schema, order=2)
print(distances.nlargest(5, "tvd").to_string(index=False))

# %%
# A model of self-rated health, trained on synthetic rows and on real ones, tested on the real rows
# that were held back.

scorer = TSTRScorer(random_state=0)
X_train, y_train = train[hie.data.columns], train[hie.schema.target]
X_test, y_test = test[hie.data.columns], test[hie.schema.target]
print(f"trained on synthetic rows: {scorer(synthesizer, X_test, y_test):.3f}")
real = scorer.score_real(X_train, y_train, X_test, y_test, hie.schema)
print(f"trained on real rows:      {real:.3f}")
