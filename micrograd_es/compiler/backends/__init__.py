"""What runs a program without native code.

PythonBackend   sample by sample, eager's own arithmetic (python.py)
NumpyBackend    whole columns at once (numpy.py), as planned in matrices.py: the matrices that
                the scalars came from, found again
"""
