"""Do the numbers mean what they seem to mean? Leakage, controls, bounds, identities of metrics, seeds."""
