"""What is said to people, in Spanish and English.

    Language("es").say(key, **parts)    a sentence of es.json, numbers as people write them
    excerpt(text)                       what somebody typed, short enough to be said back
    legible(name), humanize(formula)    a name, a formula as a picture can show them
    message_of(problem)                 what an exception says, on one line
    format_table(rows, "<>>")           lines of aligned cells

Read language.py; the sentences are in es.json and en.json, by the same keys.
"""

from micrograd_es.texts.language import LANGUAGES as LANGUAGES
from micrograd_es.texts.language import Language as Language
from micrograd_es.texts.language import excerpt as excerpt
from micrograd_es.texts.language import format_table as format_table
from micrograd_es.texts.language import humanize as humanize
from micrograd_es.texts.language import legible as legible
from micrograd_es.texts.language import message_of as message_of
from micrograd_es.texts.language import preferred_language as preferred_language
from micrograd_es.texts.language import sentences as sentences
