"""Room for a portion of the examples, what rows and windows make again, and that mistakes are found."""

from dataclasses import replace
from functools import cache

from codegen.c.network import c_network
from codegen.plan.plan import plan_network
from codegen.tuned.arena.in_place import takes
from codegen.tuned.draft import Draft
from codegen.tuned.groups.groups import Block, Group, Nest, Step, Turns, groups_of
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.pipeline import tuned
from codegen.tuned.storage import PORTIONS
from codegen.tuned.verification.verify import complaints
from derive.networks.registry import variant
from tests.codegen.tuned.test_draft import shifted, with_arena

SIZES = {"gpt": {"L": 2, "d": 128, "h": 4, "e": 32, "f": 512, "T": 64, "v": 256, "m": 8}, "lenet": {"m": 64}}


@cache
def last(name: str) -> Draft:
    found: list[Draft] = []
    plan = plan_network(variant(name, sizes=SIZES[name]), bounded=False)
    tuned(c_network(plan), lambda _, shown: found.append(shown) if isinstance(shown, Draft) else None)
    return found[-1]


def groups(name: str, key: str) -> list[Nest]:
    return [group for step in last(name).lists[key] for group in groups_of(step)]


def group_of(network: str, key: str, name: str) -> Nest:
    (found,) = [group for group in groups(network, key) if name in group.names]
    return found


def together(network: str, *names: str) -> bool:
    arena = last(network).arenas[4]
    return len({arena.offsets[name] for name in names}) == 1


def wrong(network: str, name: str, to: str) -> list[str]:
    """What is wrong where a value lies elsewhere."""
    place = last(network).arenas[4].offsets[to]
    broken = with_arena(
        last(network), lambda found: replace(shifted(found, name, place), reals=2 * found.reals)
    )
    return [one for one in complaints(broken) if name in one.split()]


def test_the_inner_layer_has_room_for_a_portion() -> None:
    """Both of its products go portion by portion, in every pass."""
    stored, size = last("gpt").stored["G"], last("gpt").plan.size
    assert stored.portion == 0
    assert stored.reals(size, 4) * PORTIONS == replace(stored, portion=None).reals(size, 4)
    for key, names in (("loss", "GZ"), ("vjp", ("G", "Wp_bar")), ("jvp", ("G", "G_dot", "Z_dot"))):
        found = [group for group in groups("gpt", key) if in_portions(group)]
        assert {name for group in found for name in group.names} >= set(names)


def test_a_portion_that_others_need_is_found() -> None:
    """Without its runs a value has room for too few examples."""
    draft = last("gpt")
    lists = {key: tuple(map(without_runs, steps)) for key, steps in draft.lists.items()}
    broken = replace(draft, lists=lists, phases={}, arenas={})
    assert any("G has room for a portion" in one for one in complaints(broken))


def without_runs(step: Step) -> Step:
    if not isinstance(step, Turns):
        return step
    groups = [replace(one, block=None) if in_portions(one) else one for one in step.groups]
    return replace(step, groups=tuple(groups))


def test_portions_keep_what_others_of_them_need() -> None:
    assert together("gpt", "F", "F_bar")
    assert wrong("gpt", "Z_bar", "G")
    assert wrong("gpt", "G", "F")
    group = group_of("gpt", "vjp", "F_bar")
    assert takes(group, "F_bar", "F", last("gpt").stored)


def test_the_outputs_of_heads_lie_where_their_cotangents_lay() -> None:
    """For each example and head one follows the other."""
    assert together("gpt", "O", "O_bar")
    assert wrong("gpt", "O", "A_bar")


def test_rows_make_a_product_again() -> None:
    """N2_bar is stored, for sums read it; what is scaled of it is not."""
    stored = {name for group in groups("gpt", "vjp") for name in group.stored}
    assert {"N2_bar", "N1_bar", "N_bar"} <= stored
    assert not {"Xhat2_bar", "Xhat1_bar", "Xhat_bar"} & stored


def test_windows_count_ties_for_themselves() -> None:
    """The counts are neither kept nor stored, and the cotangent lies where the activation lay."""
    group = group_of("lenet", "vjp", "A1_bar")
    assert isinstance(group, Group)
    assert [one.name for one in group.inside] == ["P1_ties"]
    assert "P1_ties" not in {
        name for key in ("loss", "vjp") for one in groups("lenet", key) for name in one.stored
    }
    assert together("lenet", "A1_bar", "Z1")
    assert not takes(replace(group, inside=()), "A1_bar", "Z1", last("lenet").stored)


def test_tangents_are_selected_where_they_are_made() -> None:
    assert "Z1_dot" not in {name for group in groups("lenet", "jvp") for name in group.stored}
    assert together("lenet", "Z1_dot_selected", "Z1")
    assert wrong("lenet", "Z1_dot_selected", "P1")


def test_arenas_stay_within_what_they_took() -> None:
    assert last("lenet").arenas[4].reals * 4 <= 2_715_000
    assert isinstance(group_of("gpt", "loss", "G").block, Block)
