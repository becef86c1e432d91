"""The sentences about a picture that the built-in analyzer says, one function a topic.

Each says only what was measured, recognised, read or recorded, and how sure that is.
"""

from math import gcd

from illustrious_studio.adapters.vision.facts import faults
from illustrious_studio.adapters.vision.people import people
from illustrious_studio.adapters.vision.surface import halves, light
from illustrious_studio.adapters.vision.view import Subject, View
from illustrious_studio.adapters.vision.wording import (
    SETTINGS_OF_PLACES,
    article,
    clipped,
    counted,
    listed,
    place,
    portion,
)

LONGEST_LINE, MOST_LINES = 80, 6


def describe(view: View) -> list[str]:
    """What a person would say of it: what it shows and where, its colours, its text, where it comes from."""
    return [
        " ".join(part for part in (_subject(view), _colours(view), _shape(view)) if part),
        people(view) if view.people else "",
        _writing(view),
        _origin(view),
    ]


def size(view: View) -> str:
    width, height = view.size
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    part = gcd(width, height)
    ratio = f", {width // part}:{height // part}" if width != height and max(width, height) // part <= 32 else ""
    kind = f"{view.picture.format} file of " if view.picture.format else ""
    return f"It is a {kind}{width} x {height} pixels ({shape}{ratio})."


def colours(view: View) -> str:
    if view.one_colour:
        return f"The whole picture is {view.colours[0][0]}."
    return f"By area, its colours are {listed([f'{name} ({share:.0%})' for name, share in view.colours[:6]])}."


def text(view: View) -> str:
    if view.lines:
        return "It says:\n" + "\n".join(f"> {line.text}" for line in view.lines)
    return (
        "I found no text in it. I read printed Latin and Chinese letters, but no handwriting, and nothing very small."
    )


def settings(view: View) -> str:
    """Everything that the file says of how it was made: this is asked for, so it is not cut short."""
    recorded = view.recorded
    if recorded is None:
        return "The file carries no settings of how it was made."
    said = [f"The file says how it was made ({recorded.source})."]
    if recorded.request.prompt:
        said[0] += f" Prompt: {recorded.request.prompt}"
    if recorded.request.negative_prompt:
        said.append(f"Negative prompt: {recorded.request.negative_prompt}")
    said.append(", ".join(f"{name}: {value}" for name, value in recorded.named_fields if "prompt" not in name.lower()))
    said.append(recorded.not_usable)
    return "\n".join(part for part in said if part)


def flaws(view: View) -> str:
    found = [*(["it is nothing but grain"] if view.noise else []), *faults(view.image, view.flat)]
    beyond = (
        "Whether hands, faces or perspective are right I cannot judge: look at those yourself, or ask a vision model."
    )
    if found:
        return f"What I can measure: {listed(found)}. {beyond}"
    return f"Nothing is wrong that I can measure: its light, contrast, sharpness and size are fine. {beyond}"


def _subject(view: View) -> str:
    if view.one_colour:
        return f"The whole picture is plain {view.colours[0][0]}; there is nothing else in it."
    if view.gradient is not None:
        one, other, way = view.gradient.start, view.gradient.end, view.gradient.way
        shades = f"two shades of {one}" if one == other else f"{one} that becomes {other}"
        return f"It is a smooth gradient, {shades} {way}, and shows nothing else."
    if view.noise:
        return "It is grain or a fine pattern that is the same everywhere; no form stands out from it."
    sure = [subject for subject in view.subjects if subject.sure]
    maybe = [subject for subject in view.subjects if not subject.sure]
    if sure:
        return " ".join(part for part in (_shown(view, sure), _placed(sure), _perhaps(maybe)) if part)
    if maybe:
        guess = listed([_name(one) for one in maybe], "or")
        return f"I am not sure what it shows: perhaps {guess}. {_around(view)}".strip()
    if view.writing:
        return f"It is {'a flat picture' if view.flat else 'a picture'} with text{_ground(view)}."
    return f"I cannot tell what this {_kind(view)} shows; I recognise few things. {_around(view)}".strip()


def _shown(view: View, sure: list[Subject]) -> str:
    """What it shows, what kind of picture it is, and what is around."""
    if sure[0].photographed:
        kind = "black and white photograph" if view.colourless else "photograph"
        return f"This is most likely a {kind} of {article(sure[0].name)}. {_around(view)}".strip()
    names = listed([_name(subject) for subject in sure])
    ground = f" {_background(view)}" if view.layout is not None else _ground(view)
    return f"This is {article(_kind(view))} of {names}{ground}."


def _kind(view: View) -> str:
    drawn = view.flat or any(subject.sure and not subject.photographed for subject in view.subjects)
    kind = "drawing" if drawn else "picture"
    return f"black and white {kind}" if view.colourless else kind


def _name(subject: Subject) -> str:
    return counted(subject.name, subject.count)


def _placed(subjects: list[Subject]) -> str:
    """Where the things are, and how large a single one is."""
    known = [(subject, subject.middle) for subject in subjects if subject.middle is not None]
    if not known or len(known) > 4:
        return ""
    if len(subjects) == 1:
        ((subject, middle),) = known
        return f"It is {place(middle)} and takes up {portion(subject.share)} of the picture."
    return (
        "The "
        + listed([f"{subject.name} is {place(middle)}" for subject, middle in known]).replace(" and ", " and the ")
        + "."
    )


def _perhaps(maybe: list[Subject]) -> str:
    return f"There is perhaps {listed([_name(one) for one in maybe])}, too." if maybe else ""


def _background(view: View) -> str:
    """Where the studio painted the things."""
    layout = view.layout
    assert layout is not None
    where = SETTINGS_OF_PLACES.get(layout.background, f"on a plain {layout.background} background")
    if layout.background not in SETTINGS_OF_PLACES:
        return where
    weather = {"rain": " in the rain", "snow": " in falling snow", "fog": " in fog"}.get(layout.weather, "")
    when = {"night": " at night", "sunset": " at sunset"}.get(layout.time, "")
    return where + weather + (when if layout.background not in ("night", "sunset") else "")


def _ground(view: View) -> str:
    return f" on a plain {view.colours[0][0]} background" if view.plain_ground else ""


def _around(view: View) -> str:
    """What stands in for a background that nobody recognised: the colours above and below."""
    found = None if view.plain_ground else halves(view.image)
    if found is None:
        return f"Its background is plain {view.colours[0][0]}." if view.plain_ground else ""
    return f"Its upper part is mostly {found[0]}, its lower part {found[1]}."


def _colours(view: View) -> str:
    if view.one_colour or view.gradient is not None:
        return ""
    (first, share), *others = view.colours
    little = [name for name, part in others[:3] if part >= 0.04]
    if share >= 0.55:
        said = f"It is mostly {first}" + (f", with some {listed(little)}" if little else "")
    else:
        said = f"Its main colours are {listed([first, *little])}" if little else f"Its main colour is {first}"
    bright = light(view.image)
    return f"{said}, and {bright} as a whole." if bright and not view.plain_ground else f"{said}."


def _shape(view: View) -> str:
    width, height = view.size
    shape = "square" if width == height else "wide" if width > height else "tall"
    return f"It is {shape}, {width} x {height} pixels."


def _writing(view: View) -> str:
    lines = view.writing
    if not lines:
        return ""
    read = [f"“{clipped(line.text, LONGEST_LINE)}”" for line in lines[:MOST_LINES]]
    first = lines[0].box
    where = "in it" if len(lines) > 1 else place(((first[0] + first[2]) / 2, (first[1] + first[3]) / 2))
    more = len(lines) - MOST_LINES
    return f"The text {where} reads {listed([*read, f'{more} more lines'] if more > 0 else read)}."


def _origin(view: View) -> str:
    """Where it comes from, by the record in its file; never the settings themselves."""
    if view.recorded is None:
        return ""
    words = clipped(view.recorded.request.prompt)
    if view.drawn_here:
        over = " over another picture" if view.recorded.request.image else ""
        from_words = f" from the words “{words}”" if words else ""
        known = " What is in it I know from its record, too." if view.layout is not None else ""
        return f"It was drawn here{over}{from_words}, as its record says.{known}"
    program = view.recorded.source.removesuffix(" parameters")
    return f"Its file says that it was made with {program}" + (f" from the words “{words}”." if words else ".")
