"""What runs the steps of a run: threads of this process, or the workers of a Dask cluster."""
