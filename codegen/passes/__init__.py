"""Passes: Program -> Program, one a file; `codegen.plan.pipeline` lists them in order."""
