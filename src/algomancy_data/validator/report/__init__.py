"""A validation result as one page of HTML that needs nothing else.

Needs the extra ``algomancy-data[report]``.
"""

from algomancy_data.validator.report.page import render

__all__ = ["render"]
