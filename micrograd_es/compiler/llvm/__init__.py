"""Native code, by llvmlite (extra `llvm`).

    LlvmBackend     chooses between straight-line code and the interpreter (backend.py)

Read instructions.py (one operation), kernel.py (the loop over samples), straight_line.py,
interpreter.py (for programs too long to compile), machine.py (what the processor has).
"""
