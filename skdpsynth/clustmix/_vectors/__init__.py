"""Clusters of wide numeric tables, as vectors: location, spread, principal components, clusters."""
