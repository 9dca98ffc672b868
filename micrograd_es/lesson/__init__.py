"""The article's lesson: two weights, one error, and the way down.

    Lesson(...)             the 1-1-1 network of the article, its input and its target
    descend(lesson, lr)     steps downhill, and how they end
    sweep, climb, field     rates too small and too large; the steepest way; arrows around
    tell(lesson, ...)       all that the story says (story.py), and the pictures it shows
    lesson_page(lesson)     the same for a browser

Read network.py, story.py; then pictures.py and characters.py (what is drawn), and playground.py
with page.py (what is played in a browser).
"""

from micrograd_es.lesson.network import LOSSES as LOSSES
from micrograd_es.lesson.network import Climb as Climb
from micrograd_es.lesson.network import Descent as Descent
from micrograd_es.lesson.network import Lesson as Lesson
from micrograd_es.lesson.network import Rates as Rates
from micrograd_es.lesson.network import Step as Step
from micrograd_es.lesson.network import climb as climb
from micrograd_es.lesson.network import descend as descend
from micrograd_es.lesson.network import field as field
from micrograd_es.lesson.network import sweep as sweep
