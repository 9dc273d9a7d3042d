"""A validation result as a self-contained HTML page.

Needs the extra ``algomancy-data[report]``.
"""
