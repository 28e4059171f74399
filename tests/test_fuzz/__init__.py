"""Malformed inputs by the thousand: each ends in success or in an error that says what is wrong.

``make fuzz`` runs all of them, and the normal tests some hundreds. An input is made from its kind
and number alone, so that ``python -m test_fuzz frames 1234`` plays one again.
"""
