"""Scenarios that may damage a store, run for as long as you like: ``make soak MINUTES=60``.

``model`` says what a store has to hold after each operation, ``work`` are the processes that are
killed and those that look afterwards, ``scenarios`` has a module for each way to come to grief.
"""
