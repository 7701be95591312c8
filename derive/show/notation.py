"""How mathematics is written in a terminal and in LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ",
    "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ",
    "omega": "ω", "Theta": "Θ", "Phi": "Φ", "Sigma": "Σ", "Psi": "Ψ", "Omega": "Ω", "Gamma": "Γ",
    "Delta": "Δ",
}  # fmt: skip
ENDING = re.compile(r"(?P<stem>.*?[A-Za-z])(?P<digits>\d+)\Z")


@dataclass(frozen=True)
class Notation:
    """The signs of one medium."""

    latex: bool
    transposed: str
    hadamard: str
    times: str
    ones: str
    infinity: str

    def name(self, name: str) -> str:
        r"""W1_bar is W1_bar in text and \bar{W}_{1} in LaTeX; Greek letters are written as such."""
        stem, mark = (name[:-4], name[-4:]) if name.endswith(("_bar", "_dot")) else (name, "")
        found = ENDING.match(stem)
        letter, digits = (found["stem"], found["digits"]) if found else (stem, "")
        if not self.latex:
            return GREEK.get(letter, letter) + digits + mark
        body = (
            f"\\{letter}"
            if letter in GREEK
            else letter
            if len(letter) == 1
            else f"\\mathrm{{{_escaped(letter)}}}"
        )
        body = f"\\{mark[1:]}{{{body}}}" if mark else body
        return f"{body}_{{{digits}}}" if digits else body

    def subscripted(self, base: str, *subscripts: str) -> str:
        """W_i, G_{i+1}."""
        listed = ",".join(subscript.replace(" ", "") for subscript in subscripts)
        if not listed:
            return base
        if self.latex and base.endswith("}") and "_{" in base:
            return f"{{{base}}}_{{{listed}}}"
        return f"{base}_{listed}" if len(listed) == 1 and not self.latex else f"{base}_{{{listed}}}"

    def function(self, name: str) -> str:
        r"""exp, σ; in LaTeX \exp, \sigma."""
        if name in GREEK:
            return self.name(name)
        return f"\\{name}" if self.latex and name in KNOWN else f"\\mathrm{{{name}}}" if self.latex else name

    def call(self, function: str, argument: str) -> str:
        """f(x)."""
        return f"{function}\\left({argument}\\right)" if self.latex else f"{function}({argument})"

    def bracketed(self, text: str) -> str:
        return f"\\left({text}\\right)" if self.latex else f"({text})"

    def fraction(self, above: str, below: str) -> str:
        return f"\\frac{{{above}}}{{{below}}}" if self.latex else f"{above}/{below}"

    def finite(self, text: str) -> str:
        """|x| < infinity."""
        return f"|{text}| < {self.infinity}"

    def relation(self, sign: str) -> str:
        signs = {">=": "\\ge" if self.latex else "≥", "<=": "\\le" if self.latex else "≤", "==": "="}
        return signs.get(sign, sign)


KNOWN = frozenset({"exp", "log", "tanh", "sinh", "cosh", "sin", "cos", "tan", "max", "min"})
TEXT = Notation(False, "ᵀ", " ∘ ", " ", "1", "∞")
LATEX = Notation(True, "^{\\top}", " \\circ ", " ", "\\mathbf{1}", "\\infty")


def _escaped(letters: str) -> str:
    return letters.replace("_", "\\_")
