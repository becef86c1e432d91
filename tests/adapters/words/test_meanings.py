import pytest
from tests.waiting import until

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.adapters.words.meanings import DIMENSIONS, MiniLm, PackagedMeanings, minilm_file
from illustrious_studio.adapters.words.packaged import packaged_near_words
from illustrious_studio.domain.embeddings import EmbeddingModel
from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.domain.layout.vocabulary import Vocabulary, split_words

installed = pytest.mark.skipif(minilm_file() is None, reason="The extra `meaning` is not installed.")


def test_every_kind_is_something_that_is_known() -> None:
    painter = SpritePainter()
    vocabulary = Vocabulary(painter.objects(), painter.backgrounds())
    kinds = packaged_near_words().kinds
    assert len(kinds) > 1000
    assert [kind for kind in set(kinds.values()) if not all(vocabulary.knows(split_words(kind)))] == []
    assert [word for word in kinds if any(vocabulary.knows([word]))] == []


@installed
async def test_texts_that_mean_alike_have_vectors_that_are_alike() -> None:
    model = MiniLm(minilm_file())
    assert isinstance(model, EmbeddingModel)
    vectors = (
        await model.embed("", ["a cat on a sofa", "a kitten lying on the couch", "the stock market fell"])
    ).vectors
    alike, other = (sum(x * y for x, y in zip(vectors[0], vector, strict=True)) for vector in vectors[1:])
    assert len(vectors[0]) == DIMENSIONS
    assert alike > 0.6 > 0.2 > other
    await model.aclose()


@installed
async def test_a_word_is_nearest_to_what_it_means_and_a_word_of_pieces_is_not_judged() -> None:
    meanings = PackagedMeanings(MiniLm(minilm_file()))
    fortress, pieces = await meanings.nearest(["fortress", "asunaxyz"])
    assert fortress is not None
    assert fortress.name == "fortress"
    assert pieces is None


@installed
async def test_it_is_loaded_on_first_use_and_given_back_when_nobody_asks() -> None:
    model = MiniLm(minilm_file(), idle_seconds=0.05)
    assert not model.loaded
    assert await model.embed("", []) is not None
    await until(lambda: not model.loaded)


async def test_without_its_package_it_says_so() -> None:
    model = MiniLm(None)
    with pytest.raises(Unavailable, match="not installed"):
        await model.embed("", ["cat"])
    with pytest.raises(InvalidRequest, match="384"):
        await model.embed("", ["cat"], 100)
