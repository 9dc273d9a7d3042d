"""A plain dict of datasets, to which everything is done that is done to a store."""
