"""What a gradient truly is, by means that share no code with the engine.

    judge(program, slopes)  passes, fails or cannot say; on which rung, from exact to measured

Read judgement.py.
"""

from micrograd_es.testing.oracles.judgement import Judgement as Judgement
from micrograd_es.testing.oracles.judgement import judge as judge
