"""What runs a program without native code.

    PythonBackend   sample by sample, eager's own arithmetic (python.py)
    NumpyBackend    whole columns at once (numpy.py), by a plan (matrices.py) in which the matrices
                    are found again that the scalars came from

Each has `sums` and `each`: (columns, samples, parameters) → the outputs, summed or a row a sample.
Native code, which has the same two methods, is in llvm/.
"""
