"""From the JSON of a run to tables and plots; `bench/report.py` is the command."""
