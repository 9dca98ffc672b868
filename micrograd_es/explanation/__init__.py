"""Who is responsible for an output, and why.

    responsibility(error, parameters)   each weight's share, with the chain of partials that made it
    explain(output, leaf)               every path from a leaf to the output, in words and as LaTeX
    find_nonfinite(output)              where a NaN or an infinity was born
    origins()                           a block in which every value remembers its line

Read attribution.py, then paths.py; diagnosis.py stands for itself.
"""

from micrograd_es.explanation.attribution import Responsibility as Responsibility
from micrograd_es.explanation.attribution import responsibility as responsibility
from micrograd_es.explanation.diagnosis import NonFinite as NonFinite
from micrograd_es.explanation.diagnosis import find_nonfinite as find_nonfinite
from micrograd_es.explanation.diagnosis import origins as origins
from micrograd_es.explanation.paths import Explanation as Explanation
from micrograd_es.explanation.paths import explain as explain
