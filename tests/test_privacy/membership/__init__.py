"""Membership inference, end to end: whether sampled rows give away that one row was in the table.

`attack` describes a sample as seen by who looks for one row, and learns to guess; `bounds` has what
a guarantee allows and what guesses show; `games` fits synthesizers with and without the row;
`cases` has the table, the row and the synthesizers; ``python -m test_privacy.membership`` plays all
games and stores the table of results.
"""
