"""What a gradient truly is, by means that share no code with the engine.

    TEXTBOOK                the slopes of the functions as textbooks write them
    judge(program, slopes)  passes, fails or cannot say; on which rung, from exact to measured

Read judgement.py.
"""

from micrograd_es.testing.oracles.judgement import TEXTBOOK as TEXTBOOK
from micrograd_es.testing.oracles.judgement import Judgement as Judgement
from micrograd_es.testing.oracles.judgement import judge as judge
