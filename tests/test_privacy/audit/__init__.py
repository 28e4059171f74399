"""An audit of every release: what an attacker who knows all rows but one can tell from it.

`bounds` turns counts of right and wrong guesses into lower bounds on μ and ε; `tape` notes what the
release code hands to the mechanisms; `attacks` plays the game; `pairs` has neighbouring tables that
are as far apart as they can be; `cases` is the list of what is audited; `faults` breaks the package
on purpose; ``python -m test_privacy.audit`` runs all cases and stores the table of results.
"""
