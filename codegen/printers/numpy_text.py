"""Python text with its precedence: parentheses where they are needed and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

CONDITIONAL, DISJUNCTION, CONJUNCTION, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(9)
WIDTH = 110


@dataclass(frozen=True)
class Code:
    """An expression's text and how tightly it binds."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """The text as an operand that must bind at least so tightly."""
        return self.text if self.level >= level else f"({self.text})"

    @property
    def atom(self) -> str:
        return self.at(ATOM)


def call(function: str, *arguments: str) -> Code:
    """f(a, b)."""
    return Code(f"{function}({', '.join(arguments)})")


def wrapped(line: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """The line broken inside brackets, the outermost first, until each part fits."""
    if len(line) + indent <= width:
        return [" " * indent + line]
    place = _last_bracket(line)
    if place is None:
        return [" " * indent + line]
    opening, closing = place
    head, body, tail = line[: opening + 1], line[opening + 1 : closing], line[closing:]
    parts = _pieces(body)
    middle = [piece for part in parts for piece in wrapped(part, indent + 4, width)]
    return [" " * indent + head, *middle, *wrapped(tail, indent, width)]


def _last_bracket(line: str) -> tuple[int, int] | None:
    """The widest outermost bracket pair with something in it."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(line):
        if character in "([{":
            start = place if depth == 0 else start
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0 and place > start + 1:
                found.append((start, place))
    return max(found, key=lambda pair: pair[1] - pair[0]) if found else None


def _pieces(body: str) -> list[str]:
    """The arguments of a call, one a line; an expression is broken before its outermost + and -."""
    commas = _cuts(body, ", ")
    if len(commas) > 1:
        return [f"{part}," for part in commas]
    for sign in (" + ", " - ", " * "):
        parts = _cuts(body, sign)
        if len(parts) > 1:
            return [parts[0], *(sign.lstrip() + part for part in parts[1:])]
    return [body]


def _cuts(text: str, separator: str) -> list[str]:
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        character = text[place]
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text.startswith(separator, place):
            parts.append(text[start:place])
            start = place = place + len(separator)
            continue
        place += 1
    return [*parts, text[start:]]
