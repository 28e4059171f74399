"""From events to (ε, δ): curves, privacy loss, composition, calibration."""
