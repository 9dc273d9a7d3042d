"""A validation result as one page of HTML that needs nothing else.

Needs the extra ``algomancy-data[report]``.
"""
