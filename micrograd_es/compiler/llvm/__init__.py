"""What runs a program as native code, by llvmlite (extra `llvm`).

    LlvmBackend     straight-line code, or an interpreter where that would be too long (backend.py)

Read machine.py (what the processor has), instructions.py (one operation), kernel.py (the loop over
samples), straight_line.py, interpreter.py, and backend.py, which chooses between the two.
"""
