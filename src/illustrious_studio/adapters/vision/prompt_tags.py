"""Tags for a prompt, in danbooru's words, from what was found in a picture.

What the file itself says is better than anything found: the prompt it was drawn from, when it has tags.
"""

from illustrious_studio.adapters.vision.people import tags_of
from illustrious_studio.adapters.vision.surface import light
from illustrious_studio.adapters.vision.view import BOYS, COLOURS, GIRLS, PEOPLE, View

GIVEN: dict[str, tuple[str, ...]] = {
    "sea": ("underwater", "ocean"),
    "beach": ("beach", "ocean", "outdoors", "blue sky"),
    "snow": ("snow", "winter", "outdoors"),
    "meadow": ("grass", "field", "flower", "outdoors", "blue sky"),
    "forest": ("forest", "nature", "tree", "outdoors"),
    "desert": ("desert", "sand", "sun", "outdoors"),
    "space": ("space", "starry sky", "planet"),
    "city": ("cityscape", "building", "outdoors"),
    "mountains": ("mountain", "mountainous horizon", "outdoors"),
    "sky": ("sky", "cloud", "blue sky"),
    "night": ("night", "night sky", "outdoors"),
    "sunset": ("sunset", "orange sky", "outdoors"),
    "room": ("indoors", "window", "curtains"),
    "lake": ("lake", "water", "outdoors", "blue sky"),
    "river": ("river", "grass", "outdoors", "blue sky"),
    "waterfall": ("waterfall", "cliff", "outdoors"),
    "cave": ("cave", "indoors"),
    "autumn": ("autumn", "autumn leaves", "tree", "outdoors"),
    "blossoms": ("cherry blossoms", "petals", "tree", "outdoors"),
    "rain": ("rain", "outdoors", "cloudy sky"),
    "fog": ("fog", "outdoors"),
}
"""The places and times that the studio paints, as danbooru tags them."""
RENAMED = {
    **dict.fromkeys(("tabby", "tiger cat", "egyptian cat", "siamese cat", "persian cat"), "cat"),
    **dict.fromkeys(("sandbar", "seashore"), "beach"),
    "alp": "mountain",
    "cellular telephone": "cellphone",
    "sailboat": "boat",
    "airplane": "aircraft",
    "spectacles": "glasses",
    "sunglass": "sunglasses",
    "sports car": "car",
}
"""What the classifier calls differently."""
COUNTED = frozenset({"girl", "boy", "woman", "man"})
"""Said by how many there are."""
BY_RECORD = "These are the words it was drawn from, by the record in its file."
BY_LAYOUT = "This is what it was drawn from, by the record in its file."


def prompt_tags(view: View) -> str:
    """Comma-separated tags and nothing else; when they come from the file's record, a second paragraph says so."""
    words = view.recorded.request.prompt.strip() if view.recorded is not None else ""
    if words and ("," in words or view.layout is None):
        return f"{words}\n\n{BY_RECORD}"
    tags = [*_things(view), *_ground(view), *_kind(view)]
    found = ", ".join(dict.fromkeys(tags)) or ", ".join(f"{name} theme" for name, _ in view.colours[:1])
    return f"{found}\n\n{BY_LAYOUT}" if view.layout is not None else found


def _things(view: View) -> list[str]:
    subjects = view.subjects
    tags = []
    for who, one, many in ((GIRLS, "1girl", "girls"), (BOYS, "1boy", "boys")):
        count = sum(subject.count for subject in subjects if subject.name in who)
        tags += [one if count == 1 else f"{count}{many}"] if count else []
    for subject in subjects:
        name = subject.name.lower()
        tags += [] if name in COUNTED else [RENAMED.get(name, name)]
    tags += tags_of(view)
    if subjects and all(subject.sure for subject in subjects) and not any(one.name in PEOPLE for one in subjects):
        tags.append("no humans")
    return tags


def _ground(view: View) -> list[str]:
    layout = view.layout
    if layout is not None:
        place = list(GIVEN.get(layout.background, ("simple background", f"{layout.background} background")))
        weather = {"rain": "rain", "snow": "snowing", "fog": "fog"}.get(layout.weather)
        return place + list(GIVEN.get(layout.time, ())[:2]) + ([weather] if weather else [])
    if view.gradient is not None:
        return ["gradient", "gradient background", "no humans"]
    if view.plain_ground:
        return ["simple background", f"{view.colours[0][0].replace('gray', 'grey')} background"]
    return []


def _kind(view: View) -> list[str]:
    tags = ["text"] if view.writing else []
    if any(subject.photographed and subject.sure for subject in view.subjects):
        tags.append("photo (medium)")
    if view.colourless:
        tags += ["monochrome", "greyscale"]
    elif view.colours[0][1] >= 0.6 and view.colours[0][0] in COLOURS and not (view.plain_ground or view.layout):
        tags.append(f"{view.colours[0][0]} theme")
    if not view.plain_ground and light(view.image) == "dark":
        tags.append("dark")
    return tags
