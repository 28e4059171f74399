"""What seeded fits gave, to the bit, before the code that makes them was moved.

It is there to prove that a change of the code's structure changes no result: neither what a fit
releases and its ledger says, nor what is sampled, nor what a saved file loads as. It is kept until
the next change that alters results on purpose. Then everything is stored anew by
``PYTHONPATH=tests python -m test_stored_fits``, in a commit that says why.
"""
