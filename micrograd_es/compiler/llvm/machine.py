"""What this processor offers, and LLVM's compiler for it, by llvmlite.

machine()                    the Machine of this process, made once
Machine.compile(text)        LLVM's text as Native code
Machine.vector_function(…)   what the C library calls a function of whole vectors
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from micrograd_es.compiler.basic import BASIC
from micrograd_es.errors import MissingExtra

VECTORS = (  # the processor's feature, doubles in a vector, prefix of libmvec's functions
    ("avx512f", 8, "_ZGVeN8v"), ("avx2", 4, "_ZGVdN4v"), ("sse2", 2, "_ZGVbN2v"),
    ("neon", 2, "_ZGVnN2v"),
)  # fmt: skip
NEEDED = "the llvm backend needs llvmlite 0.45: pip install 'micrograd-es[llvm]'"
PARAMETER_KINDS = {"ptr": ctypes.c_void_p, "i64": ctypes.c_int64, "double": ctypes.c_double}


@cache
def machine() -> Machine:
    """Return the machine that this runs on; MissingExtra without llvmlite."""
    return Machine()


class Machine:
    """The processor: how many doubles its vectors hold, and the compiler for it."""

    def __init__(self) -> None:
        try:
            import llvmlite.binding as llvm
        except ImportError as error:
            raise MissingExtra(NEEDED) from error
        if llvm.llvm_version_info < (20,):  # older ones of llvmlite cannot read the type `ptr`
            raise MissingExtra(f"{NEEDED}, whose LLVM is older than 20 here")
        self.llvm = llvm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        self.prefixes = {width: prefix for name, width, prefix in VECTORS if features.get(name)}
        self.width = max(self.prefixes, default=1)
        for library in ("libm.so.6", "libmvec.so.1"):
            try:
                llvm.load_library_permanently(library)
            except RuntimeError:
                continue  # another C library: functions of vectors are then called lane by lane
        self.features = features.flatten()

    def vector_function(self, name: str, width: int) -> str | None:
        """Return the symbol of a function of whole vectors; None if the library has none."""
        if width == 1:
            return None
        symbol = f"{self.prefixes[width]}{'v' * (BASIC[name] == 2)}_{name}"
        return symbol if self.llvm.address_of_symbol(symbol) else None

    def compile(self, text: str) -> Native:
        """Return the text of an LLVM module as native code."""
        target = self.llvm.Target.from_default_triple().create_target_machine(
            cpu=self.llvm.get_host_cpu_name(), features=self.features, opt=1
        )
        module = self.llvm.parse_assembly(text)
        module.triple, module.data_layout = target.triple, str(target.target_data)
        engine = self.llvm.create_mcjit_compiler(module, target)  # which owns both from now on
        engine.finalize_object()
        return Native(engine)


class Native:
    """Native code; the addresses of its functions are valid as long as this object lives."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def address(self, name: str) -> int:
        """Return where a function is."""
        return int(self.engine.get_function_address(name))

    def function(self, name: str, parameters: str, result: str | None = None) -> Any:
        """Return a function that Python can call; its parameters are given as LLVM's text."""
        kinds = [PARAMETER_KINDS[one.split()[0]] for one in parameters.split(", ")]
        signature = ctypes.CFUNCTYPE(PARAMETER_KINDS[result] if result else None, *kinds)
        return signature(self.address(name))
