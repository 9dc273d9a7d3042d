"""What users would do instead: one module per kind of place, each peer a `harness.Way`."""
