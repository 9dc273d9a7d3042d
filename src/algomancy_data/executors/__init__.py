"""Where work is done outside this process: a pool of processes, Dask, any executor."""
