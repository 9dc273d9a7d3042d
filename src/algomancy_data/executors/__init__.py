"""Where work is done beside this process: processes of this machine, Dask, any executor."""
