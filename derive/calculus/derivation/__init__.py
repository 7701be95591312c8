"""Derivation: adjoint and tangent programs, Jacobians, second derivatives."""
