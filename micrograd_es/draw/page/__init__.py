"""A page that plays a graph, operation by operation, in one file.

    page(output)    the page

Read steps.py (what is played), then page.py (how the file is put together); then, in assets/,
page.html and steps.html, page.css, and the script: words.js, state.js, steps.js, start.js.
"""

from micrograd_es.draw.page.page import Page as Page
from micrograd_es.draw.page.page import page as page
