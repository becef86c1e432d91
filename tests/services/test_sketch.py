import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.adapters.words.packaged import packaged_lexicon, packaged_near_words
from illustrious_studio.domain.errors import InvalidRequest, NothingKnown
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.layout.vocabulary import plurals
from illustrious_studio.domain.layout.word_lists import BODY
from illustrious_studio.services.sketch import SketchService

SKETCHES = SketchService(SpritePainter())
WITH_LANGUAGES = SketchService(SpritePainter(), packaged_lexicon())
NAMES = sorted(
    known.name
    for known in SpritePainter().objects()
    if known.kind in ("thing", "animal")
    and not known.name.endswith(("s", "desert", "tree", "head", "face"))
    and known.name not in BODY
)
RELATIONS = (
    "to the left of", "to the right of", "above", "below", "on", "in", "behind", "in front of", "next to", "under",
)  # fmt: skip
NUMBERS = ("a", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COUNTED = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NAMES))
SOUP = (
    *RELATIONS, "and", ",", "it", "between", "wearing", "holding", "a", "the", "two", "big", "blue", "of", "at the top",
    "on the left", "1girl", "hat", "glasses", "sun", "in the snow", "cats", "tree", "eyes", "no", "behind it",
    *NAMES[:40],
)  # fmt: skip
EDGE = 0.02
quick = settings(max_examples=120, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def left(thing: Placed) -> float:
    return thing.x - thing.w / 2


def right(thing: Placed) -> float:
    return thing.x + thing.w / 2


def top(thing: Placed) -> float:
    return thing.y - thing.h / 2


def bottom(thing: Placed) -> float:
    return thing.y + thing.h / 2


def overlap(one: Placed, other: Placed) -> float:
    """The shared area as a share of the smaller one's."""
    across = min(right(one), right(other)) - max(left(one), left(other))
    down = min(bottom(one), bottom(other)) - max(top(one), top(other))
    return max(0.0, across) * max(0.0, down) / min(one.w * one.h, other.w * other.h)


def inside_the_frame(things: tuple[Placed, ...]) -> bool:
    return all(left(one) >= 0 and top(one) >= 0 and right(one) <= 1 and bottom(one) <= 1 for one in things)


def holds(relation: str, one: Placed, other: Placed, order: int) -> bool:
    """`order` is negative when `one` is painted before `other`."""
    match relation:
        case "to the left of" | "next to":
            return right(one) <= left(other) + EDGE
        case "to the right of":
            return left(one) >= right(other) - EDGE
        case "above":
            return bottom(one) <= top(other) + EDGE
        case "below" | "under":
            return one.y > other.y and top(one) >= bottom(other) - EDGE
        case "on":
            return abs(bottom(one) - top(other)) <= 0.07 and left(other) - EDGE <= one.x <= right(other) + EDGE
        case "in":
            return order > 0 and overlap(one, other) > 0.9 and one.w * one.h < other.w * other.h
        case "behind":
            return order < 0 and bottom(one) < bottom(other)
        case "in front of":
            return order > 0 and bottom(one) > bottom(other)
    raise AssertionError(relation)


@quick
@given(
    st.sampled_from(NAMES), st.sampled_from(RELATIONS), st.sampled_from(NAMES), st.integers(0, 2**32 - 1),
    st.sampled_from((1.0, 0.68, 1.46)), st.sampled_from(("", " in a meadow", " on a blue background")),
)  # fmt: skip
def test_relations_are_true(one: str, relation: str, other: str, seed: int, aspect: float, place: str) -> None:
    if one == other:
        return
    things = SKETCHES.layout(f"one {one} {relation} one {other}{place}", seed, aspect).things
    assert sorted(thing.what for thing in things) == sorted((one, other))
    assert inside_the_frame(things)
    order = 1 if things[1].what == one else -1
    first, second = things if order < 0 else (things[1], things[0])
    assert holds(relation, first, second, order), things


@quick
@given(
    st.lists(COUNTED, min_size=1, max_size=4, unique_by=lambda one: one[1]),
    st.integers(0, 2**32 - 1),
    st.sampled_from((1.0, 0.68, 1.46)),
)  # fmt: skip
def test_counts_are_right_and_nothing_overlaps(wanted: list[tuple[str, str]], seed: int, aspect: float) -> None:
    counts = [NUMBERS.index(number) + 1 for number, _ in wanted]
    if sum(counts) > 24:
        return
    plural = {name: next(iter(plurals(name)), name) for _, name in wanted}
    words = [f"{number} {name if number == 'a' else plural[name]}" for number, name in wanted]
    things = SKETCHES.layout(", ".join(words), seed, aspect).things
    assert [sum(thing.what == name for thing in things) for _, name in wanted] == counts
    assert inside_the_frame(things)
    assert max((overlap(a, b) for a, b in itertools.combinations(things, 2)), default=0) < 0.02


@quick
@given(st.lists(st.sampled_from(SOUP), max_size=25), st.integers(0, 99), st.sampled_from((1.0, 0.5, 2.0)))
def test_any_mix_of_known_words_stays_in_the_frame(words: list[str], seed: int, aspect: float) -> None:
    assert inside_the_frame(SKETCHES.layout(" ".join(words), seed, aspect).things)


@quick
@given(st.lists(st.sampled_from(SOUP), max_size=25), st.integers(0, 99), st.sampled_from((1.0, 0.125, 0.4, 3.0, 8.0)))
def test_what_words_are_laid_out_as_can_be_sent_back_as_it_is(words: list[str], seed: int, aspect: float) -> None:
    layout = SKETCHES.layout(" ".join(words), seed, aspect)
    SKETCHES.check(layout)
    request = ImageRequest.model_validate_json(ImageRequest(prompt="x", layout=layout).model_dump_json())
    assert request.layout == layout
    assert SKETCHES.completed(layout, "in the desert at night") == layout


SHARE = st.floats(0, 1)


@quick
@given(st.sampled_from(NAMES), SHARE, SHARE, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_box_is_taken_if_it_lies_in_the_frame_and_refused_if_not(
    what: str, x: float, y: float, w: float, h: float
) -> None:
    thing = Placed(what=what, x=x, y=y, w=w, h=h)
    layout = Layout(things=(thing,))
    over = max(-left(thing), -top(thing), right(thing) - 1, bottom(thing) - 1)
    if over <= 0.0005:
        SKETCHES.check(layout)
    elif over > 0.0015:
        with pytest.raises(InvalidRequest, match="reaches out of the picture"):
            SKETCHES.check(layout)


@quick
@given(st.text(max_size=300), st.integers(0, 2**32 - 1))
def test_any_text_gives_a_layout(text: str, seed: int) -> None:
    assert inside_the_frame(SKETCHES.layout(text, seed).things)


def test_the_same_seed_gives_the_same_layout_and_another_seed_another() -> None:
    layouts = [SKETCHES.layout("a cat and a dog in a forest", seed) for seed in (1, 1, 2)]
    assert layouts[0] == layouts[1] != layouts[2]


def test_between_is_in_the_middle() -> None:
    layout = SKETCHES.layout("a house between a cat and a dog", 5)
    by_name = {thing.what: thing for thing in layout.things}
    assert by_name["cat"].x < by_name["house"].x < by_name["dog"].x
    trees = [thing.x for thing in SKETCHES.layout("a fox between two trees", 5).things if thing.what == "tree"]
    fox = next(thing.x for thing in SKETCHES.layout("a fox between two trees", 5).things if thing.what == "fox")
    assert min(trees) < fox < max(trees)


def test_size_adjectives_are_seen() -> None:
    def area(prompt: str) -> float:
        return max(thing.w * thing.h for thing in SKETCHES.layout(prompt, 1).things)

    assert area("a tiny cat") < area("a small cat") < area("a cat") < area("a huge cat")
    things = {thing.what: thing for thing in SKETCHES.layout("a mouse and an elephant", 1).things}
    assert things["mouse"].h < 0.7 * things["elephant"].h


def test_places_in_the_frame_are_kept() -> None:
    mouse = SKETCHES.layout("a mouse in the bottom right corner", 3).things[0]
    star = SKETCHES.layout("a star in the top left corner", 3).things[0]
    assert mouse.x > 0.6
    assert mouse.y > 0.6
    assert star.x < 0.4
    assert star.y < 0.4
    cat, dog = sorted(SKETCHES.layout("on the right a cat, on the left a dog", 3).things, key=lambda thing: thing.what)
    assert dog.x < cat.x


def test_the_sun_hangs_over_what_stands_on_the_ground() -> None:
    things = {thing.what: thing for thing in SKETCHES.layout("sun, a castle and a horse in a meadow", 4).things}
    assert bottom(things["sun"]) < min(top(things["castle"]), top(things["horse"])) + 0.02
    assert things["castle"].y > 0.5


def test_worn_and_held_things_are_where_they_belong() -> None:
    cat, hat = SKETCHES.layout("a cat wearing a top hat", 1).things
    assert (cat.what, hat.what) == ("cat", "top hat")
    assert hat.w < cat.w
    assert hat.y < top(cat) + 0.2
    assert left(cat) - 0.1 < hat.x < right(cat)
    ninja, pizza = SKETCHES.layout("a ninja holding a pizza", 1).things
    assert (ninja.what, pizza.what) == ("ninja", "pizza")
    assert overlap(pizza, ninja) > 0


def test_nothing_known_gives_no_things_and_says_which_words() -> None:
    layout = SKETCHES.layout("a blorp in the forest, masterpiece", 1)
    assert (layout.things, layout.background, layout.unknown) == ((), "forest", ("blorp",))


def test_the_nearest_names_are_offered() -> None:
    assert SKETCHES.nearest("kitten")[0] == "cat"
    assert SKETCHES.nearest("elefant")[0] == "elephant"


def test_names_stand_beside_an_unknown_word_only_where_they_make_sense() -> None:
    sketches = SketchService(SpritePainter(), near=packaged_near_words())
    for word in ("market", "station", "towel", "stove", "toaster", "stage", "bedroom", "library", "pool", "wall"):
        assert sketches.nearest(word) == [], word
    assert sketches.nearest("marsupial") == ["koala", "kangaroo"]
    assert sketches.nearest("elefant") == ["elephant"]


async def test_a_layout_sent_from_outside_may_name_only_what_there_is() -> None:
    def one(**changes: object) -> Layout:
        values = {"what": "cat", "x": 0.5, "y": 0.5, "w": 0.5, "h": 0.5} | changes
        return Layout(things=(Placed.model_validate(values),))

    with pytest.raises(InvalidRequest, match="elephant"):
        await SKETCHES.paint(one(what="elefant"), 64, 64, 1)
    with pytest.raises(InvalidRequest, match="colour"):
        await SKETCHES.paint(one(colour="mauve"), 64, 64, 1)
    with pytest.raises(InvalidRequest, match="background"):
        await SKETCHES.paint(Layout(background="atlantis"), 64, 64, 1)
    assert (await SKETCHES.paint(one(colour="red"), 64, 64, 1)).width == 64


def test_what_somebody_means_is_found_loosely() -> None:
    assert SKETCHES.named("two brown puppies") == ("dog", "brown")
    assert SKETCHES.named("elefant") == ("elephant", "")
    assert SKETCHES.named("") is None
    assert SKETCHES.named("xqzzy") is None


def test_a_layout_without_a_background_gets_that_of_the_words() -> None:
    bare = ImageRequest.model_validate({"prompt": "x", "layout": [{"what": "cat", "x": 0.5, "y": 0.5, "w": 1, "h": 1}]})
    assert bare.layout is not None
    full = SKETCHES.completed(bare.layout, "an anime cat on the beach at sunset")
    assert (full.background, full.time, full.style, full.by) == ("beach", "sunset", "cartoon", "hand")
    assert full.things == bare.layout.things


@pytest.mark.parametrize(
    ("prompt", "guessed"),
    [
        ("a samurai", ("samurai", "ninja")), ("a piano", ("piano", "musical keyboard")),
        ("two squirrels", ("squirrels", "chipmunk")), ("ein Klavier", ("Klavier", "musical keyboard")),
    ],
)  # fmt: skip
def test_what_is_drawn_as_something_else_is_a_guess(prompt: str, guessed: tuple[str, str]) -> None:
    layout = WITH_LANGUAGES.layout(prompt, 1)
    assert [(one.word, one.taken_for) for one in layout.guessed] == [guessed]
    assert WITH_LANGUAGES.not_drawn(layout) == f"Guessed: {guessed[0]} taken for {guessed[1]}."
    assert WITH_LANGUAGES.layout("a bunny and a flower", 1).guessed == ()


def test_quality_gaze_and_looks_are_not_drawn_and_told_apart_from_words_that_may_be_things() -> None:
    layout = SKETCHES.layout("masterpiece, 1girl, silver hair, looking at viewer, xqzv, black gloves", 1)
    assert layout.unknown == ("xqzv",)
    assert layout.unused == ("masterpiece", "looking at viewer", "black gloves")
    assert SKETCHES.not_drawn(layout) == "Not drawn: xqzv, masterpiece, looking at viewer, black gloves"
    assert SKETCHES.not_drawn(SKETCHES.layout("a catt", 1)).startswith("Not drawn: “catt” (nearest: cat")
    assert SKETCHES.not_drawn(SKETCHES.layout("1girl, silver hair, red dress, cat", 1)) == ""


@pytest.mark.parametrize("prompt", ["qqqqzzzz", "masterpiece, best quality", "猫", "elefant", "xqzv, white background"])
def test_words_of_which_none_is_known_are_refused_with_what_can_be_drawn(prompt: str) -> None:
    with pytest.raises(NothingKnown) as raised:
        SKETCHES.refuse_unknown(SKETCHES.layout(prompt, 1), prompt, ("a red apple", "a castle at night"))
    assert raised.value.examples[-2:] == ("a red apple", "a castle at night")
    assert "“a red apple”" in raised.value.detail
    if prompt == "elefant":
        assert raised.value.examples[0] == "an elephant"
        assert "Nearest: elephant. " in raised.value.detail


@pytest.mark.parametrize("prompt", ["", " ", "a cat", "xqzv, at night", "1girl", "long hair", "an empty street"])
def test_what_is_known_in_part_is_not_refused(prompt: str) -> None:
    SKETCHES.refuse_unknown(SKETCHES.layout(prompt, 1), prompt, ())


def test_people_that_a_hand_places_get_a_look_of_their_own_from_the_seed() -> None:
    things = [{"what": "girl", "x": 0.3, "y": 0.5, "w": 0.3, "h": 0.8}, {"what": "boy", "x": 0.7, "y": 0.5, "w": 0.5,
              "h": 0.5}]  # fmt: skip
    request = ImageRequest.model_validate({"prompt": "x", "layout": things})
    assert request.layout is not None
    girl, boy = (thing.figure for thing in SKETCHES.completed(request.layout, "x", 1.0, 9).things)
    assert girl is not None
    assert boy is not None
    assert (girl.who, girl.framing, boy.who, boy.framing) == ("girl", "full_body", "boy", "upper_body")
    assert girl.seed != boy.seed
    assert SKETCHES.named("two women") == ("girl", "")
    holding = Figure(holding="elefant")
    with pytest.raises(InvalidRequest, match="to hold"):
        SKETCHES.check(Layout(things=(Placed(what="girl", x=0.5, y=0.5, w=0.5, h=0.5, figure=holding),)))
