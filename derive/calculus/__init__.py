"""The index calculus: tensors, equations, programs, their derivatives and closed forms."""
