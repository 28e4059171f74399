"""Clusters of mixed records, in blocks of cells: Approximate and Anonymize."""
