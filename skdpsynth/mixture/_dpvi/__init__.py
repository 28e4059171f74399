"""DP variational inference of the automatic mixture."""
