"""NumPyro models of one record that users write."""
