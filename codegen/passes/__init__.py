"""Passes: Program -> Program, one a file; `codegen.pipeline` lists them in order."""
