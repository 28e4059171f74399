"""What noise leaves of counts and spectra: projections, contrasts, shrinkage."""
