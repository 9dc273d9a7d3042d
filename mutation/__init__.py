"""Mutation testing: small faults are put into modules, and tests have to notice each."""
