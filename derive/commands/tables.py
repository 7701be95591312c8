"""`python -m derive tables`: the tables of the documentation, from the rows that the tests run."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from derive.calculus.program.program import Equation
    from derive.calculus.rules.row import Row
    from derive.check.forms.form import Form

EXAMPLES = """\
Examples:

\b
  python -m derive tables
  python -m derive tables --out docs/tables

Each table is one Markdown file of the rows that the tests run: it never says what is not checked.
"""
COUNTED = (
    "Operations are counted by `derive.calculus.expressions.cost`: each weighed by the loops it runs under, "
    "every extent 16, an exponential 8. The form by hand is counted alike, and has the derived values in "
    "50 digits."
)
FORM_HEAD = ("name", "form", "derived", "operations", "by hand")


@click.command("tables", epilog=EXAMPLES)
@click.option("--out", default="docs/tables", show_default=True, help="Folder of the tables.")
def tables(out: str) -> None:
    """Write the documentation's tables of forms, refusals, rules and traps."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in every_table().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        click.echo(folder / name)


def every_table() -> dict[str, str]:
    """File name -> text of every table."""
    return {
        "forms.md": forms_table(),
        "invented.md": invented_table(),
        "refusals.md": refusals_table(),
        "rules.md": rules_table(),
        "traps.md": traps_table(),
    }


def forms_table() -> str:
    """The closed forms of layers, sequences, tangents and networks."""
    from derive.check.forms.layers import LAYERS
    from derive.check.forms.sequences import SEQUENCES
    from derive.check.forms.tangents import NETWORKS, TANGENTS

    parts = [
        "# Closed forms\n\nDerived from the definitions alone; G is the cotangent of the output. " + COUNTED,
        "## Layers and losses, pulled back\n\n" + _markdown(FORM_HEAD, map(_form_row, LAYERS)),
        "## Attention and recurrences, pulled back\n\n" + _markdown(FORM_HEAD, map(_form_row, SEQUENCES)),
        "## Tangents, pushed forward\n\n" + _markdown(FORM_HEAD, map(_form_row, TANGENTS)),
        "## Networks\n\n" + _markdown(FORM_HEAD, map(_form_row, NETWORKS)),
    ]
    return "\n\n".join(parts) + "\n"


def invented_table() -> str:
    """Layers that nobody has seen, with the best form found by hand."""
    from derive.check.forms.invented import DEFINITIONS, INVENTED

    head = ("name", "definition", "by hand", "derived", "operations", "by hand")
    rows = []
    for form in INVENTED:
        name, law, derived, *counts = _form_row(form)
        definition = _code(line.strip() for line in DEFINITIONS[form.name].split("\n"))
        rows.append((name, definition, law, derived, *counts))
    title = "# Ten invented layers\n\nMade of odd pieces, each with the best backward form found by hand. "
    return f"{title}{COUNTED}\n\n{_markdown(head, rows)}\n"


def refusals_table() -> str:
    """What other tools answer with 0."""
    from derive.check.forms.refusals import REFUSALS

    rows = [
        (case.paper, case.reason if case.refused else _code(map(_line, case.derived))) for case in REFUSALS
    ]
    title = (
        "# Right, or refused\n\nTerms that other tools differentiate to a silent 0, or not at all. What is "
        "derived agrees with differences in 50 digits; what is refused says what to do.\n\n"
    )
    return title + _markdown(("term", "derived, or the refusal"), rows) + "\n"


def rules_table() -> str:
    """The rows of derive/calculus/rules."""
    from derive.calculus.rules import branches, closed, stable
    from derive.calculus.rules.row import Row

    rows: dict[str, Row] = {}
    for module in (branches, closed, stable):
        for found in vars(module).values():
            if isinstance(found, tuple) and all(isinstance(each, Row) for each in found):
                rows |= {each.law: each for each in found}
    title = "# Rules\n\nRewrites that are data: `derive/calculus/rules`. Letters stand for any real.\n\n"
    return title + _markdown(("law", "from", "to", "where", "source"), map(_rule_row, rows.values())) + "\n"


def traps_table() -> str:
    """Formulas whose value or gradient other libraries get wrong, by family."""
    from derive.check.traps import FAMILIES
    from derive.check.traps.table import trap_table

    title = (
        "# Traps\n\nWritten as on paper; value, gradient and Hessian times vector are right in NumPy and C, "
        "in float32 and float64, at every point tried; the last of them is shown. Answers have 50 digits.\n\n"
    )
    parts = (f"## {family.capitalize()}\n\n{trap_table(traps)}" for family, traps in FAMILIES.items())
    return title + "\n".join(parts)


def _rule_row(row: "Row") -> tuple[str, ...]:
    where = f"`{row.domain_text}`" if row.domain_text else "everywhere"
    return row.law, f"`{row.pattern_text}`", f"`{row.replacement_text}`", where, row.source


def _form_row(form: "Form") -> tuple[str, ...]:
    derived, by_hand = form.count
    return form.name, form.law, _code(map(_line, form.derived)), f"{derived:,}", f"{by_hand:,}"


def _line(equation: "Equation") -> str:
    from codegen.printers.to_text import equation_text

    return equation_text(equation)


def _code(lines: Iterable[str]) -> str:
    return "<br>".join(f"`{line}`" for line in lines)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    table = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table)
