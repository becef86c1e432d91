import asyncio
import io
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.adapters.vision.builtin import BuiltinVision
from illustrious_studio.adapters.vision.classifier import VISION
from illustrious_studio.adapters.vision.facts import colour_name, colour_shares, faults
from illustrious_studio.adapters.vision.prompt_tags import BY_LAYOUT, BY_RECORD
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.infotext import text_of_request
from illustrious_studio.domain.pictures import OpenedPicture, Picture, open_picture
from illustrious_studio.services.sketch import SketchService

ANALYZER = BuiltinVision()
SKETCHES = SketchService(SpritePainter())


def opened(image: Image.Image, parameters: str = "") -> OpenedPicture:
    file = io.BytesIO()
    chunks = PngImagePlugin.PngInfo()
    if parameters:
        chunks.add_text("parameters", parameters)
    image.save(file, "PNG", pnginfo=chunks)
    return open_picture(file.getvalue())


async def ask(image: Image.Image, question: str = "Describe this image in detail", parameters: str = "") -> str:
    return "".join([piece async for piece in ANALYZER.analyze(opened(image, parameters), question)])


async def sketch(prompt: str, size: int = 384) -> Image.Image:
    return (await SKETCHES.paint(SKETCHES.layout(prompt, 1), size, size, 1)).image()


def written(*lines: str) -> Image.Image:
    image = Image.new("RGB", (640, 80 + 90 * len(lines)), "white")
    for row, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 40 + 90 * row), line, "black", ImageFont.load_default(48))
    return image


async def test_it_is_ready_and_says_what_it_is() -> None:
    status = await ANALYZER.check()
    assert (status.backend, status.model, status.state) == ("builtin", "Built-in analyzer", "ready")
    answer = await ask(Image.new("RGB", (64, 48), "red"))
    assert "built-in analyzer" in answer
    assert "Ollama" in answer


async def test_written_text_is_read_and_comes_first_when_asked_for() -> None:
    answer = await ask(written("Hello World 42", "Open daily"), "What does the text say?")
    assert answer.startswith("It says:\n> Hello World 42\n> Open daily")
    assert "drawing of" not in answer


async def test_a_picture_of_text_is_described_as_one_and_a_picture_without_any_is_said_to_have_none() -> None:
    described = await ask(written("Hello World 42", "Open daily"))
    assert "a flat picture with text on a plain white background" in described
    assert "reads “Hello World 42” and “Open daily”" in described
    assert (await ask(await sketch("a cat"), "Read all text in this picture")).startswith("I found no text in it.")


async def test_colours_have_their_shares() -> None:
    image = Image.new("RGB", (200, 100), (220, 30, 30))
    image.paste((40, 70, 200), (150, 0, 200, 100))
    answer = await ask(image, "Which colours are there?")
    assert answer.startswith("By area, its colours are red (75%) and blue (25%).")


async def test_one_colour_is_nothing_more() -> None:
    answer = await ask(Image.new("RGB", (300, 300), (30, 160, 60)))
    assert answer.startswith("The whole picture is plain green; there is nothing else in it.")
    assert "shows" not in answer
    assert "square, 300 x 300 pixels" in answer


async def test_a_gradient_is_called_one_with_its_colours_and_its_way() -> None:
    down = Image.linear_gradient("L").resize((320, 200))
    sunset = Image.composite(
        Image.new("RGB", down.size, (240, 120, 30)), Image.new("RGB", down.size, (60, 110, 220)), down
    )
    assert "a smooth gradient, blue that becomes orange from top to bottom" in await ask(sunset)
    assert "from left to right" in await ask(sunset.rotate(90, expand=True))
    assert "from the middle outwards" in await ask(Image.radial_gradient("L").convert("RGB"))
    assert "gradient" not in await ask(await sketch("a cat"))


async def test_noise_is_called_noise() -> None:
    assert "no form stands out" in await ask(Image.effect_noise((256, 256), 60).convert("RGB"))


async def test_a_question_that_it_does_not_understand_is_not_answered_as_if_it_did() -> None:
    answer = await ask(await sketch("a cat"), "Is she happy, and why?")
    assert answer.startswith("That I cannot answer")
    assert "drawing of a cat" in answer
    assert not (await ask(await sketch("a cat"), "What is in this picture?")).startswith("That I cannot answer")


@pytest.mark.parametrize(
    ("prompt", "seen"),
    [
        ("a cat", "a drawing of a cat on a plain white background. It is in the middle"),
        ("a banana, cartoon", "a drawing of a banana"),
        ("a castle at night", "a drawing of a castle"),
        ("three red apples", "a drawing of three red apples"),
        ("an elephant and a bicycle", "a bicycle"),
        ("a fish under the sea", "a drawing of a fish"),
    ],
)
async def test_the_studios_own_drawings_are_recognised(prompt: str, seen: str) -> None:
    assert seen in await ask(await sketch(prompt))


async def test_most_objects_are_recognised_alone() -> None:
    names = [known.name for known in SpritePainter().objects()][5::25]
    right = [name for name in names if name in await ask(await sketch(f"a {name}", 256), "Tags for a prompt")]
    assert len(right) >= 0.85 * len(names), set(names) - set(right)


async def test_tags_are_only_tags() -> None:
    tags = (await ask(await sketch("a cat on a yellow background"), "Tags for a prompt, please")).split(", ")
    assert tags[0] == "cat"
    assert "yellow background" in tags
    assert all(len(tag) < 40 for tag in tags)


async def test_recorded_settings_are_repeated() -> None:
    text = "a violet owl\nNegative prompt: day\nSteps: 12, Sampler: Euler a, Seed: 77, Size: 64x64"
    answer = await ask(Image.new("RGB", (64, 64), "purple"), "What was the prompt?", text)
    assert "Prompt: a violet owl\nNegative prompt: day\n" in answer.split("\n\n")[0]
    assert "Seed: 77" in answer
    assert "no settings" in await ask(Image.new("RGB", (64, 64)), "What was the prompt?")
    assert (await ask(Image.new("RGB", (64, 64)), "tags", text)).split("\n\n") == ["a violet owl", BY_RECORD]


async def test_a_description_names_the_words_of_the_record_but_no_settings() -> None:
    text = "a violet owl, masterpiece\nNegative prompt: day\nSteps: 12, Sampler: Euler a, Seed: 77, Size: 64x64"
    answer = await ask(await sketch("an owl"), parameters=text)
    assert "Its file says that it was made with A1111 from the words “a violet owl, masterpiece”." in answer
    assert not any(word in answer for word in ("Steps", "Sampler", "77", "Negative"))


def drawn_here(prompt: str) -> str:
    """What the studio writes into a picture that it drew from these words."""
    request = ImageRequest(prompt=prompt, seed=7, width=384, height=384, layout=SKETCHES.layout(prompt, 1))
    return f"{text_of_request(request)}, Version: illustrious-studio 0.1"


async def test_a_picture_of_this_studio_is_described_by_its_layout_and_that_is_said() -> None:
    prompt = "two penguins in the mountains"
    answer = await ask(await sketch(prompt), parameters=drawn_here(prompt))
    assert answer.startswith("This is a drawing of two penguins in the mountains.")
    assert f"It was drawn here from the words “{prompt}”, as its record says." in answer
    assert (await ask(await sketch(prompt), "Tags", drawn_here(prompt))).split("\n\n") == [
        "penguin, no humans, mountain, mountainous horizon, outdoors",
        BY_LAYOUT,
    ]


async def test_a_colour_that_was_asked_for_and_did_not_come_out_is_not_claimed() -> None:
    answer = await ask(Image.new("RGB", (384, 384), (130, 190, 250)), parameters=drawn_here("a red car in the snow"))
    assert "red" not in answer.split("\n\n")[0]


async def test_people_that_this_studio_drew_are_described_by_its_record() -> None:
    prompt = "a girl with long silver hair and blue eyes in a red dress next to a boy with black hair in a suit"
    image, record = await sketch(prompt), drawn_here(prompt)
    for question in ("What colour is her hair?", "Who is in this picture?", "and what is she wearing?"):
        answer = await ask(image, question, record)
        assert answer.startswith("The girl on the left has long "), question
        assert "silver hair" in answer
        assert "blue eyes" in answer
        assert "wears a red dress" in answer
        assert "The boy on the right has short" in answer
        assert "By area" not in answer
    tags = (await ask(image, "tags", record)).split("\n\n")[0].split(", ")
    assert tags[:2] == ["1girl", "1boy"]
    assert {"silver hair", "long hair", "blue eyes", "red dress", "black hair"} <= {*tags}
    assert not {"girl", "boy"} & {*tags}
    assert "The girl on the left has long" in await ask(image, parameters=record)


async def test_of_people_that_nothing_is_known_of_nothing_is_said() -> None:
    answer = await ask(await sketch("a cat"), "What colour is her hair?")
    assert answer.startswith("I recognise nobody in it. Of people I can say no more")


async def test_faults_are_measured() -> None:
    dark = await ask(Image.effect_noise((256, 256), 12).point(lambda v: max(0, v - 110)), "What is wrong with it?")
    assert dark.startswith("What I can measure: it is very dark")
    blurred = Image.radial_gradient("L").convert("RGB")
    assert "blurred" in faults(blurred, flat=False)[0]
    assert faults((await sketch("a cat in the city", 512)), flat=True) == []
    fine = await ask(await sketch("a cat in the city", 512), "What looks wrong in this picture?")
    assert fine.startswith("Nothing is wrong that I can measure")
    assert "hands, faces or perspective are right I cannot judge" in fine


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (2000, 3), (64, 64)])
async def test_any_shape_can_be_looked_at(size: tuple[int, int]) -> None:
    image = Image.effect_noise(size, 80).convert("RGB")
    assert f"{size[0]} x {size[1]} pixels" in await ask(image, "How large is it?")
    assert await ask(image)


async def test_several_can_be_looked_at_at_once() -> None:
    pictures = [await sketch(prompt) for prompt in ("a cat", "a banana", "a cat", "a banana")]
    answers = await asyncio.gather(*(ask(picture) for picture in pictures))
    assert ["cat" in answers[0], "banana" in answers[1]] == [True, True]
    assert answers[::2] == [answers[0]] * 2


async def test_a_picture_without_a_file_can_be_looked_at() -> None:
    picture = OpenedPicture(Picture.from_image(Image.new("RGB", (40, 20), "white")), "")
    assert "It is a 40 x 20" in "".join([piece async for piece in ANALYZER.analyze(picture, "how large is it")])


@pytest.mark.parametrize(
    ("colour", "name"),
    [((255, 0, 0), "red"), ((255, 150, 30), "orange"), ((120, 80, 40), "brown"), ((250, 230, 60), "yellow"),
     ((60, 170, 70), "green"), ((30, 170, 170), "teal"), ((60, 110, 220), "blue"), ((140, 70, 190), "purple"),
     ((250, 130, 190), "pink"), ((0, 0, 0), "black"), ((255, 255, 255), "white"), ((128, 128, 128), "gray"),
     ((240, 225, 195), "beige"), ((20, 30, 90), "dark blue"), ((160, 215, 250), "light blue")],
)  # fmt: skip
def test_colours_are_called_by_their_names(colour: tuple[int, int, int], name: str) -> None:
    assert colour_name(colour) == name
    assert colour_shares(Image.new("RGB", (20, 20), colour)) == [(name, 1.0)]


def test_looking_loads_no_torch_and_importing_loads_no_model_library() -> None:
    code = (
        "import sys, asyncio; from illustrious_studio.adapters.vision.builtin import BuiltinVision;"
        "heavy = {'torch', 'onnxruntime', 'rapidocr', 'cv2', 'numpy'} & sys.modules.keys(); assert not heavy, heavy;"
        "from illustrious_studio.domain.pictures import OpenedPicture, Picture;"
        "picture = OpenedPicture(Picture(64, 64, bytes(range(192)) * 64), '');\n"
        "async def look(): return [piece async for piece in BuiltinVision().analyze(picture, 'describe')]\n"
        "assert asyncio.run(look()); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_model_comes_with_its_notices() -> None:
    notice = (VISION / "NOTICE").read_text("utf-8")
    assert "Apache License" in notice
    assert "open_clip" in notice
    assert len((VISION / "imagenet_names.txt").read_text("utf-8").splitlines()) == 1000
