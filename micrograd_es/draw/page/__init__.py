"""A page that plays a graph, operation by operation, in one file.

    page(output)    the page; assets/ holds its script and style

Read steps.py (what is played), then page.py.
"""

from micrograd_es.draw.page.page import Page as Page
from micrograd_es.draw.page.page import page as page
