"""Pictures are found again: in order, page by page, and by whatever a person types."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.gallery_index import SqlGalleryIndex
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.gallery import GalleryItem, GalleryQuery
from illustrious_studio.domain.images import Origin
from samples import NOON, an_item, metadata

ALL = GalleryQuery()


@pytest.fixture
def index(database: Database) -> SqlGalleryIndex:
    return SqlGalleryIndex(database)


async def prompts(index: SqlGalleryIndex, q: str = "", **conditions: object) -> list[str]:
    page = await index.page(GalleryQuery.model_construct(q=q, **conditions), None, 50)  # type: ignore[arg-type]
    return [item.metadata.request.prompt for item in page.items]


async def every_page(index: SqlGalleryIndex, limit: int, query: GalleryQuery = ALL) -> list[GalleryItem]:
    items, cursor = [], None
    while True:
        page = await index.page(query, cursor, limit)
        items += page.items
        if (cursor := page.cursor) is None:
            return items


async def test_an_item_comes_back_as_it_was(index: SqlGalleryIndex) -> None:
    name = "日本 \U0001f408 'quoted' \"twice\""
    item = an_item(name, favourite=True, image="a" * 64, strength=0.4, attempts=("tiled VAE",))
    await index.add(item)
    assert await index.get(item.id) == item
    assert (await index.page(ALL, None, 10)).items == [item]


async def test_what_is_not_there_is_none(index: SqlGalleryIndex) -> None:
    for item_id in ("", "0" * 32, "../../etc/passwd", "a\0b", "x" * 10_000):
        assert await index.get(item_id) is None
        await index.remove(item_id)


async def test_newest_first_whatever_the_order_of_adding(index: SqlGalleryIndex) -> None:
    for second in (3, 1, 2, 5, 4):
        await index.add(an_item(f"number {second}", second=second))
    assert await prompts(index) == [f"number {second}" for second in (5, 4, 3, 2, 1)]


async def test_pictures_of_the_same_microsecond_are_all_shown_once(index: SqlGalleryIndex) -> None:
    items = [an_item(f"twin {number}") for number in range(7)]
    for item in items:
        await index.add(item)
    shown = await every_page(index, limit=2)
    assert sorted(item.id for item in shown) == sorted(item.id for item in items)


async def test_adding_again_replaces_and_keeps_the_place(index: SqlGalleryIndex) -> None:
    old, middle, new = (an_item(f"number {second}", second=second) for second in (1, 2, 3))
    for item in (old, middle, new):
        await index.add(item)
    await index.add(middle.model_copy(update={"favourite": True}))
    assert [item.favourite for item in (await index.page(ALL, None, 10)).items] == [False, True, False]
    assert await index.count() == 3


async def test_pages_neither_skip_nor_repeat_while_pictures_come_and_go(index: SqlGalleryIndex) -> None:
    items = [an_item(f"number {second}", second=second) for second in range(20)]
    for item in items:
        await index.add(item)
    first = await index.page(ALL, None, 8)
    await index.add(an_item("came in between", second=100))
    await index.remove(first.items[-1].id)  # the one the cursor stands at
    second = await index.page(ALL, first.cursor, 8)
    third = await index.page(ALL, second.cursor, 8)
    assert [item.id for item in first.items + second.items + third.items] == [item.id for item in reversed(items)]
    assert third.cursor is None


async def test_the_last_of_two_thousand_is_reached_page_by_page(index: SqlGalleryIndex) -> None:
    items = [an_item(f"number {second}", second=second) for second in range(2000)]
    assert await index.rebuild(iter(items)) == 2000
    shown = await every_page(index, limit=150)
    assert [item.id for item in shown] == [item.id for item in reversed(items)]
    assert [item.id for item in await every_page(index, 150, GalleryQuery(q="numb"))] == [item.id for item in shown]


@pytest.mark.parametrize("limit", [-5, 0, 10**9])
async def test_a_page_has_at_least_one_and_at_most_two_hundred(index: SqlGalleryIndex, limit: int) -> None:
    await index.rebuild(an_item(second=second) for second in range(250))
    assert len((await index.page(ALL, None, limit)).items) == (200 if limit > 200 else 1)


@pytest.mark.parametrize(
    "cursor", ["", "x", "AAAAAAAAAAAAAAAA", "(SELECT 1)", "é" * 16, "a\0b", "=" * 16, "A" * 100_000, "123"]
)
async def test_a_cursor_it_never_gave_is_refused(index: SqlGalleryIndex, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        await index.page(ALL, cursor, 10)


async def test_search_looks_into_prompts_checkpoint_seed_and_own_words(index: SqlGalleryIndex) -> None:
    await index.add(an_item("a red fox, cat_ears, Zürich", seed=987654321, checkpoint="noobXL_vpred.safetensors"))
    await index.add(an_item("another", negative_prompt="watermark", origin=Origin(words="draw my dog")))
    for words in ("fox", "FOX red", "cat_ears", "cat ears", "zurich", "987654321", "noobXL_vpred", "safetensors", "fo"):
        assert await prompts(index, words) == ["a red fox, cat_ears, Zürich"], words
    assert await prompts(index, "watermark") == ["another"]
    assert await prompts(index, "my dog") == ["another"]
    assert await prompts(index, "fox dog") == []
    assert await prompts(index, "ears_cat") == []


async def test_search_finds_the_hash_of_the_checkpoint(index: SqlGalleryIndex) -> None:
    await index.add(an_item("a cat", checkpoint_hash="67ab2fd8ec"))
    await index.add(an_item("a dog", checkpoint_hash=None))
    for asked in ("67ab2fd8ec", "67AB2FD8EC", "67ab2f"):
        assert await prompts(index, asked) == ["a cat"]


async def test_search_finds_words_in_scripts_without_spaces(index: SqlGalleryIndex) -> None:
    await index.add(an_item("赤い猫が座っている"))
    await index.add(an_item("고양이 그림"))
    assert await prompts(index, "猫") == ["赤い猫が座っている"]
    assert await prompts(index, "座って") == ["赤い猫が座っている"]
    assert await prompts(index, "猫赤") == []
    assert await prompts(index, "고양") == ["고양이 그림"]


@pytest.mark.parametrize(
    "typed",
    [
        *(
            '"',
            "(",
            ")",
            "'",
            "*",
            "cat AND",
            "AND",
            "NOT",
            "OR cat",
            "NEAR(cat",
            "OPS-306",
            "cat*",
            "^cat",
            "words:cat",
        ),
        *("{words}: cat", "-cat", "%" * 60_000, "_" * 500, "\0", "cat\0", "\ud800", "a " * 30_000, "a_" * 30_000),
        *("\\", " ", "'; DROP TABLE gallery--", "\u0300", "\u202e", "𝒄𝒂𝒕", "हिन्दी", "\U0001f408"),
    ],
)
async def test_search_takes_anything_that_can_be_typed(index: SqlGalleryIndex, typed: str) -> None:
    await index.add(an_item("a cat"))
    assert await prompts(index, typed) in (["a cat"], [])
    assert await prompts(index) == ["a cat"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=80))
async def test_search_never_fails(index: SqlGalleryIndex, typed: str) -> None:
    await prompts(index, typed)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.from_regex(r"[a-zäéßø0-9]{1,20}", fullmatch=True), before=st.sampled_from(["", "x ", "(", "_"]))
async def test_a_word_of_the_prompt_is_found(index: SqlGalleryIndex, word: str, before: str) -> None:
    await index.rebuild(iter([an_item(f"{before}{word}, masterpiece"), an_item("nothing of it: ...", seed=1)]))
    assert f"{before}{word}, masterpiece" in await prompts(index, word)


async def test_search_follows_changes(index: SqlGalleryIndex) -> None:
    item = an_item("a wolf")
    await index.add(item)
    await index.add(item.model_copy(update={"metadata": metadata("a bear")}))
    assert await prompts(index, "wolf") == []
    assert await prompts(index, "bear") == ["a bear"]
    await index.remove(item.id)
    assert await prompts(index, "bear") == []
    await index.rebuild(iter([an_item("an owl")]))
    assert await prompts(index, "owl") == ["an owl"]


async def test_conditions_hold_together(index: SqlGalleryIndex) -> None:
    await index.add(an_item("plain cat", second=1))
    await index.add(an_item("loved cat", second=2, favourite=True))
    await index.add(an_item("chat cat", second=3, origin=Origin(way="api", session_id="s1"), favourite=True))
    await index.add(an_item("other dog", second=4, checkpoint="mini", origin=Origin(way="chat", session_id="s2")))
    assert await prompts(index, favourites=True) == ["chat cat", "loved cat"]
    assert await prompts(index, from_chat=True) == ["other dog", "chat cat"]
    assert await prompts(index, session_id="s1") == ["chat cat"]
    assert await prompts(index, checkpoint="mini") == ["other dog"]
    assert await prompts(index, since=NOON + timedelta(seconds=3)) == ["other dog", "chat cat"]
    assert await prompts(index, "cat", favourites=True, from_chat=True) == ["chat cat"]
    assert await prompts(index, "dog", favourites=True) == []
    assert await prompts(index, checkpoint="' OR 1=1 --") == []


async def test_rebuilding_that_fails_keeps_what_was_there(index: SqlGalleryIndex) -> None:
    await index.add(an_item("kept"))

    def broken() -> Iterator[GalleryItem]:
        yield an_item("new")
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        await index.rebuild(broken())
    assert await prompts(index) == ["kept"]


async def test_rebuilding_leaves_what_is_asked_meanwhile_to_be_answered(index: SqlGalleryIndex) -> None:
    items = [an_item(f"number {second}", second=second) for second in range(2000)]
    rebuilding = asyncio.create_task(index.rebuild(items))
    seen: set[int] = set()
    while not rebuilding.done():
        seen.add(await index.count())
    assert await rebuilding == 2000
    assert len(seen) > 3, "one transaction would let nobody in between"


async def test_rebuilding_changes_removes_and_moves_rows(index: SqlGalleryIndex) -> None:
    same, moved, changed, gone = (an_item(name, second=second) for second, name in enumerate("smcg"))
    await index.rebuild([same, moved, changed, gone])
    later = an_item("l", second=1)  # in the place of the one that moved
    moved = moved.model_copy(update={"metadata": metadata("m", second=2.5)})
    changed = changed.model_copy(update={"favourite": True})
    assert await index.rebuild([same, later, moved, changed]) == 4
    assert (await index.page(ALL, None, 10)).items == [moved, changed, later, same]
