"""What this processor offers, and LLVM's compiler for it, by llvmlite."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from micrograd_es.errors import MissingExtra

VECTORS = (  # what a processor calls them, how many doubles, what libmvec calls their functions
    ("avx512f", 8, "_ZGVeN8v"), ("avx2", 4, "_ZGVdN4v"), ("sse2", 2, "_ZGVbN2v"),
    ("neon", 2, "_ZGVnN2v"),
)  # fmt: skip
NEEDED = "the llvm backend needs llvmlite 0.45: pip install 'micrograd-es[llvm]'"
OF_TWO = {"pow", "atan2", "hypot", "fmod"}  # functions of libm
PARAMETER_KINDS = {"ptr": ctypes.c_void_p, "i64": ctypes.c_int64, "double": ctypes.c_double}


@cache
def machine() -> Machine:
    return Machine()


class Machine:
    """The width of its vectors (how many doubles), its functions, and the compiler."""

    def __init__(self) -> None:
        try:
            import llvmlite.binding as llvm
        except ImportError as error:
            raise MissingExtra(NEEDED) from error
        if llvm.llvm_version_info < (20,):  # the first of llvmlite's to read `ptr` as it comes
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
                continue  # another C library: its functions are in the process, or lane by lane
        self.features = features.flatten()

    def vector_function(self, name: str, width: int) -> str | None:
        """Return the symbol of a function of whole vectors; None if there is none."""
        if width == 1:
            return None
        symbol = f"{self.prefixes[width]}{'v' * (name in OF_TWO)}_{name}"
        return symbol if self.llvm.address_of_symbol(symbol) else None

    def compiled(self, text: str) -> Native:
        """Return a module as native code."""
        target = self.llvm.Target.from_default_triple().create_target_machine(
            cpu=self.llvm.get_host_cpu_name(), features=self.features, opt=1
        )
        module = self.llvm.parse_assembly(text)
        module.triple, module.data_layout = target.triple, str(target.target_data)
        engine = self.llvm.create_mcjit_compiler(module, target)  # which owns both from now on
        engine.finalize_object()
        return Native(engine)


class Native:
    """Native code: the addresses of its functions, which are good as long as this lives."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def address(self, name: str) -> int:
        return int(self.engine.get_function_address(name))

    def function(self, name: str, parameters: str, result: str | None = None) -> Any:
        """Return a function to call from Python; parameters as in LLVM's text."""
        kinds = [PARAMETER_KINDS[one.split()[0]] for one in parameters.split(", ")]
        made = ctypes.CFUNCTYPE(PARAMETER_KINDS[result] if result else None, *kinds)
        return made(self.address(name))
