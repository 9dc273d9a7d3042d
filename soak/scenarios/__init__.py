"""The ways to come to grief; each module has functions that yield what they came to."""
