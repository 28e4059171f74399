"""The reference engine of DP variational inference: the released d3p."""
