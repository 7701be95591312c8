"""Several networks in one program, every function called once, under the sanitizers."""

from dataclasses import replace
from pathlib import Path

import pytest

from codegen.c.module import render_c
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import Plan, Supplied, plan_network
from tests.codegen.emitted_c import COMPILERS, STRICT, run, write
from tests.codegen.networks import NETWORKS

MORE = {name: tuple(ON_REQUEST) for name in NETWORKS} | {"batched": ("hvp", "gauss_newton")}
DRIVER = """
#include "{p}.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int {p}_called(void)
{{
    {p}_params *p = malloc(sizeof *p), *copy = malloc(sizeof *p);
    {p}_gradients *v = calloc(1, sizeof *v), *p_bar = malloc({P}_M * sizeof *p_bar);
    {p}_workspace *w = malloc(sizeof *w);
    {p}_real *output = malloc({output} * sizeof *output), L = 0, L_dot = 0;
    int32_t labels[{P}_M];
    size_t needed;
    void *bytes;
    int bad = 0;
{arrays}
    {p}_batch b = {{{P}_M, {pointers}}};
    memset(w, 0xff, sizeof *w);
    {p}_init(p, 1);
    for (b.m = 1; b.m <= {P}_M; b.m += {P}_M - 1) {{
        bad |= {p}_forward(p, &b, w, output) | {p}_loss(p, &b, w, &L) | {p}_vjp(p, &b, w, 1, p_bar);
        bad |= {p}_jvp(p, p_bar, &b, w, &L, &L_dot) | {p}_predict(p, &b, w, {predicted});
        bad |= {p}_sgd_step(p, &b, w, 0, 0, &L) | {p}_momentum_step(p, v, &b, w, 0, 0, 0, &L);
        bad |= {p}_averaged_step(p, v, &b, w, 0, 0, 0, &L);
        {more}
    }}
    needed = {p}_save(p, NULL, 0);
    bytes = malloc(needed);
    bad |= {p}_save(p, bytes, needed) != needed || {p}_load(copy, bytes, needed);
    bad |= memcmp(p, copy, sizeof *p) != 0;
    (void)labels;
    printf("{p} %d %g\\n", bad, (double)L_dot);
    free(p), free(copy), free(v), free(p_bar), free(w), free(output), free(bytes);
{freed}
    return bad;
}}
"""


def driver(plan: Plan) -> str:
    p = plan.network.name
    text = {
        "p": p,
        "P": p.upper(),
        "output": " * ".join(str(plan.size(size)) for size in plan.output.shape),
        "predicted": "labels" if plan.network.task == "classification" else "output",
        "arrays": "\n".join(array(supplied, plan) for supplied in plan.batch),
        "pointers": ", ".join(f"(void *){supplied.tensor.name}" for supplied in plan.batch),
        "more": "\n        ".join(called(key, p) for key in plan.more),
        "freed": "\n".join(f"    free({supplied.tensor.name});" for supplied in plan.batch),
    }
    return DRIVER.format(**text)


def called(key: str, p: str) -> str:
    direction = "v, " if ON_REQUEST[key].directed else ""
    return f"bad |= {p}_{key}(p, {direction}&b, w, p_bar);"


def array(supplied: Supplied, plan: Plan) -> str:
    """Room for exactly the largest batch; labels 0, data that varies."""
    count = " * ".join(str(plan.size(size)) for size in supplied.tensor.shape)
    element, name = "int32_t" if supplied.integer else f"{plan.network.name}_real", supplied.tensor.name
    fill = "0" if supplied.integer else f"({element})(e % 7) / 7"
    return (
        f"    {element} *{name} = malloc(({count}) * sizeof *{name});\n"
        f"    for (int e = 0; e < {count}; e++)\n        {name}[e] = {fill};"
    )


@pytest.mark.compiler
@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
def test_no_sanitizer_has_anything_to_say(tmp_path: Path) -> None:
    plans = [plan_network(replace(build(), derivatives=MORE[name])) for name, build in NETWORKS.items()]
    for plan in plans:
        header, source = render_c(plan)
        write(tmp_path, {f"{plan.network.name}.h": header, f"{plan.network.name}.c": source})
    calls = " | ".join(f"{plan.network.name}_called()" for plan in plans)
    main = "".join(driver(plan) for plan in plans) + f"\nint main(void)\n{{\n    return {calls};\n}}\n"
    write(tmp_path, {"main.c": main})
    sanitizers = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    run(
        COMPILERS[0],
        *STRICT,
        "-O1",
        *sanitizers,
        *sorted(tmp_path.glob("*.c")),
        "-o",
        tmp_path / "main",
        "-lm",
    )
    reported = run(tmp_path / "main").split("\n")
    assert [line.split()[:2] for line in reported if line] == [[plan.network.name, "0"] for plan in plans]
