"""The words that say what somebody looks like, wears and does, and the parts of a figure each means.

Only lists, no code: `traits` reads prompts by them. Danbooru's tags and plain English stand side by side.
"""

from typing import Any, Final

from illustrious_studio.domain.layout.figures import (
    Bangs,
    Extra,
    EyeColour,
    Figure,
    GarmentKind,
    HairColour,
    HairLength,
    HairStyle,
    Skin,
)
from illustrious_studio.domain.layout.word_lists import words

Looks = dict[str, Figure]

HAIR_COLOURS: Final[dict[str, HairColour]] = {
    "black": "black", "dark": "black", "raven": "black", "brown": "brown", "dark brown": "brown", "chestnut": "brown",
    "brunette": "brown", "light brown": "light_brown", "blonde": "blonde", "blond": "blonde", "golden": "blonde",
    "gold": "blonde", "yellow": "blonde", "platinum": "blonde", "platinum blonde": "blonde", "light blonde": "blonde",
    "dirty blonde": "blonde", "strawberry blonde": "orange", "red": "red", "crimson": "red", "scarlet": "red",
    "auburn": "red", "dark red": "red", "orange": "orange", "ginger": "orange", "pink": "pink", "light pink": "pink",
    "magenta": "pink", "purple": "purple", "violet": "purple", "lavender": "purple", "light purple": "purple",
    "dark purple": "purple", "blue": "blue", "dark blue": "blue", "navy": "blue", "navy blue": "blue",
    "light blue": "light_blue", "sky blue": "light_blue", "pale blue": "light_blue", "aqua": "aqua", "teal": "aqua",
    "cyan": "aqua", "turquoise": "aqua", "green": "green", "light green": "green", "dark green": "green",
    "silver": "silver", "grey": "grey", "gray": "grey", "dark grey": "grey", "white": "white", "snow white": "white",
}  # fmt: skip

EYE_COLOURS: Final[dict[str, EyeColour]] = {
    "black": "black", "dark": "black", "brown": "brown", "hazel": "brown", "dark brown": "brown", "red": "red",
    "crimson": "red", "scarlet": "red", "ruby": "red", "orange": "orange", "yellow": "yellow", "golden": "yellow",
    "gold": "yellow", "amber": "yellow", "green": "green", "emerald": "green", "light green": "green",
    "dark green": "green", "aqua": "aqua", "teal": "aqua", "cyan": "aqua", "turquoise": "aqua", "blue": "blue",
    "light blue": "blue", "dark blue": "blue", "sky blue": "blue", "sapphire": "blue", "purple": "purple",
    "violet": "purple", "lavender": "purple", "pink": "pink", "magenta": "pink", "grey": "grey", "gray": "grey",
    "silver": "grey", "white": "grey",
}  # fmt: skip

SECOND_HAIR: Final[dict[HairColour, HairColour]] = {
    "black": "red", "brown": "blonde", "light_brown": "blonde", "blonde": "pink", "red": "black", "orange": "blonde",
    "pink": "blue", "purple": "pink", "blue": "pink", "light_blue": "pink", "aqua": "pink", "green": "blonde",
    "silver": "blue", "grey": "purple", "white": "black",
}  # fmt: skip
"""The colour of the tips where only one is named."""
SECOND_EYES: Final[dict[EyeColour, EyeColour]] = {
    "black": "red", "brown": "green", "red": "blue", "orange": "blue", "yellow": "blue", "green": "yellow",
    "aqua": "red", "blue": "red", "purple": "yellow", "pink": "aqua", "grey": "red",
}  # fmt: skip

LENGTHS: Final[dict[str, HairLength]] = {
    "short": "short", "very short": "short", "chin length": "short", "medium": "medium", "medium length": "medium",
    "shoulder length": "medium", "long": "long", "waist length": "very_long", "knee length": "very_long",
    "very long": "very_long", "absurdly long": "very_long", "extremely long": "very_long", "floor length": "very_long",
}  # fmt: skip

STYLES: Final[dict[str, HairStyle]] = {
    "straight": "straight", "wavy": "wavy", "curly": "curly", "messy": "messy", "spiky": "messy", "spiked": "messy",
    "wild": "messy", "unkempt": "messy", "braided": "braid", "tied": "ponytail", "bobbed": "bob", "bob cut": "bob",
}  # fmt: skip
"""Before "hair"."""
HAIRSTYLES: Final[dict[str, HairStyle]] = {
    "bob": "bob", "bob cut": "bob", "bobcut": "bob", "bob haircut": "bob", "hime cut": "straight", "pixie cut": "bob",
    "twintails": "twintails", "twin tails": "twintails", "twintail": "twintails", "pigtails": "twintails",
    "low twintails": "twintails", "two side up": "twintails", "ponytail": "ponytail", "high ponytail": "ponytail",
    "low ponytail": "ponytail", "pony tail": "ponytail", "side ponytail": "side_ponytail", "side tail": "side_ponytail",
    "one side up": "side_ponytail", "braid": "braid", "single braid": "braid", "side braid": "braid",
    "french braid": "braid", "twin braids": "twin_braids", "braids": "twin_braids", "two braids": "twin_braids",
    "hair bun": "bun", "single hair bun": "bun", "bun": "bun", "topknot": "bun", "double bun": "double_bun",
    "hair buns": "double_bun", "buns": "double_bun", "two buns": "double_bun", "twin buns": "double_bun",
    "drill hair": "drills", "twin drills": "drills", "drills": "drills", "ringlets": "drills", "curls": "curly",
    "crown braid": "braid", "afro": "afro", "afro hair": "afro", "big afro": "afro", "round afro": "afro",
}  # fmt: skip
"""Nouns of their own, perhaps with a colour: "blonde twintails"."""
BANGS: Final[dict[str, Bangs]] = {
    "blunt bangs": "blunt", "straight bangs": "blunt", "blunt fringe": "blunt", "bangs": "blunt", "fringe": "blunt",
    "swept bangs": "swept", "side swept bangs": "swept", "asymmetrical bangs": "swept", "parted bangs": "parted",
    "hair over one eye": "over_one_eye", "hair over eye": "over_one_eye", "hair covering one eye": "over_one_eye",
    "hair between eyes": "swept", "hime cut": "blunt",
}  # fmt: skip

FILLERS: Final = words(
    "big large small little beautiful pretty lovely cute nice elegant glowing shiny bright sparkling deep pale "
    "vivid flowing silky soft fluffy frilly frilled pleated fancy simple plain plaid striped ornate traditional "
    "japanese long short mini tight loose oversized cropped matching wide floral lace thin thick formal casual "
    "warm denim leather checkered checked sheer"
)
"""What may stand before clothes, hair or eyes, and has no drawing of its own."""
MATERIALS: Final = words("plaid striped frilly frilled ornate floral lace denim leather checkered checked sheer")
"""Of these and of the names of clothes, what would be seen, so that it is named as not drawn."""
COMPLEXIONS: Final[dict[str, Skin]] = {"black": "dark", "brown": "tan", "white": "fair"}
"""What a colour before somebody says of their skin."""
ON_THE_FEET: Final = words("shoes shoe footwear")
"""Everybody wears some."""

GARMENTS: Final[dict[str, GarmentKind]] = {
    "dress": "dress", "sundress": "dress", "gown": "dress", "ball gown": "dress", "evening gown": "dress",
    "wedding dress": "dress", "summer dress": "dress", "one piece dress": "dress", "china dress": "dress",
    "cheongsam": "dress", "qipao": "dress", "kimono": "kimono", "yukata": "kimono", "furisode": "kimono",
    "hanfu": "kimono", "japanese clothes": "kimono", "hakama": "kimono", "serafuku": "sailor_uniform",
    "sailor uniform": "sailor_uniform", "sailor suit": "sailor_uniform", "sailor dress": "sailor_uniform",
    "sailor shirt": "sailor_uniform", "sailor collar": "sailor_uniform", "sailor fuku": "sailor_uniform",
    "school uniform": "school_uniform", "uniform": "school_uniform", "blazer": "school_uniform", "hoodie": "hoodie",
    "hooded jacket": "hoodie", "hooded sweatshirt": "hoodie", "armor": "armor", "armour": "armor",
    "plate armor": "armor", "breastplate": "armor", "suit of armor": "armor", "suit": "suit", "business suit": "suit",
    "tuxedo": "suit", "formal suit": "suit", "formal clothes": "suit", "shirt": "shirt", "blouse": "shirt",
    "collared shirt": "shirt", "dress shirt": "shirt", "button up shirt": "shirt", "t shirt": "t_shirt",
    "tshirt": "t_shirt", "tee shirt": "t_shirt", "tank top": "t_shirt", "crop top": "t_shirt", "sweater": "sweater",
    "jumper": "sweater", "pullover": "sweater", "turtleneck": "sweater", "turtleneck sweater": "sweater",
    "ribbed sweater": "sweater", "cardigan": "sweater", "jacket": "jacket", "leather jacket": "jacket",
    "denim jacket": "jacket", "coat": "jacket", "trench coat": "jacket", "winter coat": "jacket", "overcoat": "jacket",
    "raincoat": "jacket", "parka": "jacket", "lab coat": "jacket",
    "maid dress": "maid_dress", "maid outfit": "maid_dress", "maid uniform": "maid_dress", "swimsuit": "swimsuit",
    "bikini": "swimsuit", "one piece swimsuit": "swimsuit", "school swimsuit": "swimsuit", "bathing suit": "swimsuit",
    "robe": "robe", "robes": "robe", "bathrobe": "robe", "skirt": "skirt", "miniskirt": "skirt", "mini skirt": "skirt",
    "pleated skirt": "skirt", "pants": "pants", "trousers": "pants", "jeans": "pants", "leggings": "pants",
    "slacks": "pants", "shorts": "shorts", "short shorts": "shorts", "denim shorts": "shorts",
}  # fmt: skip

FOR_GIRLS: Final[frozenset[GarmentKind]] = frozenset({"dress", "sailor_uniform", "maid_dress", "skirt", "swimsuit"})
"""In tags of boys and girls together, these are the girls'."""

EXTRAS: Final[dict[str, Extra]] = {
    "glasses": "glasses", "eyeglasses": "glasses", "spectacles": "glasses", "round glasses": "glasses",
    "sunglasses": "sunglasses", "eyepatch": "eyepatch", "eye patch": "eyepatch", "halo": "halo",
    "hairband": "hairband", "headband": "hairband", "hair band": "hairband", "hair ribbon": "hair_ribbon",
    "ribbon": "hair_ribbon", "hair bow": "hair_bow", "bow": "hair_bow", "hair flower": "hair_flower",
    **dict.fromkeys(
        [f"flower {one}" for one in words("crown wreath hairpin hairclip ornament hairband headband")],
        "hair_flower",
    ),
    "flower hair ornament": "hair_flower", "flower in hair": "hair_flower", "flower in her hair": "hair_flower",
    "flowers in her hair": "hair_flower",
    "hair ornament": "hairclip", "hairclip": "hairclip", "hair clip": "hairclip", "hairpin": "hairclip",
    "earrings": "earrings", "earring": "earrings", "jewelry": "earrings", "choker": "choker", "collar": "choker",
    "scarf": "scarf", "cape": "cape", "cloak": "cape", "apron": "apron", "headphones": "headphones",
    "headphone": "headphones", "headset": "headphones", "witch hat": "witch_hat", "pointed hat": "witch_hat",
    "wizard hat": "witch_hat", "straw hat": "straw_hat", "sun hat": "straw_hat", "cowboy hat": "straw_hat",
    "beret": "beret", "cap": "cap", "police hat": "cap", "police cap": "cap", "nurse cap": "cap", "military hat": "cap",
    "baseball cap": "cap", "peaked cap": "cap", "top hat": "top_hat", "hat": "straw_hat", "crown": "crown",
    "tiara": "crown", "maid headdress": "maid_headdress", "maid headband": "maid_headdress",
}  # fmt: skip

HATS: Final[frozenset[Extra]] = frozenset(
    {"witch_hat", "straw_hat", "beret", "cap", "top_hat", "crown", "maid_headdress"}
)
ANY_HAT: Final[Extra] = "straw_hat"
"""What "hat" is where nothing says more."""

ANIMALS: Final[dict[str, Any]] = {
    "cat": "cat", "kitty": "cat", "neko": "cat", "fox": "fox", "kitsune": "fox", "dog": "dog", "puppy": "dog",
    "wolf": "dog", "rabbit": "rabbit", "bunny": "rabbit",
}  # fmt: skip

TRAITS: Final[Looks] = {
    **{f"{word} ears": Figure(ears=kind) for word, kind in ANIMALS.items()},
    **{f"{word} tail": Figure(tail=kind) for word, kind in ANIMALS.items()},
    **{
        f"{word} {part} {worn}": Figure(ears=kind, extras=(EXTRAS[worn],))
        for word, kind in ANIMALS.items()
        for part in ("ear", "ears")
        for worn in ("headphones", "hairband", "headband")
    },
    "animal ears": Figure(ears="cat"), "nekomimi": Figure(ears="cat"), "kemonomimi mode": Figure(ears="cat"),
    "animal ear fluff": Figure(ears="cat"), "elf ears": Figure(ears="elf"), "pointy ears": Figure(ears="elf"),
    "pointed ears": Figure(ears="elf"), "long pointy ears": Figure(ears="elf"), "tail": Figure(tail="cat"),
    "demon tail": Figure(tail="demon"), "devil tail": Figure(tail="demon"), "wings": Figure(wings="angel"),
    "angel wings": Figure(wings="angel"), "feathered wings": Figure(wings="angel"),
    "white wings": Figure(wings="angel"), "demon wings": Figure(wings="demon"), "bat wings": Figure(wings="demon"),
    "black wings": Figure(wings="demon"), "devil wings": Figure(wings="demon"), "fairy wings": Figure(wings="fairy"),
    "butterfly wings": Figure(wings="fairy"), "horns": Figure(horns="demon"), "demon horns": Figure(horns="demon"),
    "oni horns": Figure(horns="oni"), "horn": Figure(horns="oni"), "single horn": Figure(horns="oni"),
    "sheep horns": Figure(horns="sheep"), "ram horns": Figure(horns="sheep"), "curled horns": Figure(horns="sheep"),
    "ahoge": Figure(extras=("ahoge",)), "antenna hair": Figure(extras=("ahoge",)), "fang": Figure(extras=("fang",)),
    "fangs": Figure(extras=("fang",)), "freckles": Figure(extras=("freckles",)),
    "freckled": Figure(extras=("freckles",)),
    "pale skin": Figure(skin="pale"), "white skin": Figure(skin="pale"), "fair skin": Figure(skin="fair"),
    "tan": Figure(skin="tan"), "tanned": Figure(skin="tan"), "tan skin": Figure(skin="tan"),
    "tanned skin": Figure(skin="tan"), "brown skin": Figure(skin="tan"), "dark skin": Figure(skin="dark"),
    "dark skinned": Figure(skin="dark"), "dark skinned female": Figure(skin="dark"), "black skin": Figure(skin="dark"),
    "dark skinned male": Figure(skin="dark"), "pale": Figure(skin="pale"),
    "smile": Figure(expression="smile"), "smiling": Figure(expression="smile"), "smiles": Figure(expression="smile"),
    "light smile": Figure(expression="smile"), "happy": Figure(expression="smile"),
    "cheerful": Figure(expression="smile"), "grin": Figure(expression="grin"), "grinning": Figure(expression="grin"),
    "smirk": Figure(expression="grin"), "evil smile": Figure(expression="grin"),
    "laughing": Figure(expression="grin", extras=("open_mouth",)),
    "laughs": Figure(expression="grin", extras=("open_mouth",)),
    "sad": Figure(expression="sad"), "frown": Figure(expression="sad"), "frowning": Figure(expression="sad"),
    "sad smile": Figure(expression="sad"), "angry": Figure(expression="angry"), "anger": Figure(expression="angry"),
    "annoyed": Figure(expression="angry"), "furious": Figure(expression="angry"), "glaring": Figure(expression="angry"),
    "surprised": Figure(expression="surprised", extras=("open_mouth",)),
    "shocked": Figure(expression="surprised", extras=("open_mouth",)),
    "scared": Figure(expression="surprised"), "wide eyed": Figure(expression="surprised"),
    "expressionless": Figure(expression="neutral"), "serious": Figure(expression="neutral"),
    "neutral expression": Figure(expression="neutral"), "closed mouth": Figure(),
    "blush": Figure(extras=("blush",)), "blushing": Figure(extras=("blush",)), "light blush": Figure(extras=("blush",)),
    "blush stickers": Figure(extras=("blush",)), "rosy cheeks": Figure(extras=("blush",)),
    "embarrassed": Figure(extras=("blush",)), "shy": Figure(extras=("blush",)),
    "tears": Figure(extras=("tears",)), "teary eyes": Figure(extras=("tears",)),
    "tearing up": Figure(extras=("tears",)),
    "crying": Figure(expression="sad", extras=("tears",)), "cries": Figure(expression="sad", extras=("tears",)),
    "open mouth": Figure(extras=("open_mouth",)), "mouth open": Figure(extras=("open_mouth",)),
    "singing": Figure(extras=("open_mouth",)), "shouting": Figure(extras=("open_mouth",)),
    "closed eyes": Figure(closed="both"), "eyes closed": Figure(closed="both"), "sleeping": Figure(closed="both"),
    "asleep": Figure(closed="both"), "one eye closed": Figure(closed="one"), "wink": Figure(closed="one"),
    "winking": Figure(closed="one"), "winks": Figure(closed="one"),
    "waving": Figure(pose="waving"), "wave": Figure(pose="waving"), "waves": Figure(pose="waving"),
    "waving hand": Figure(pose="waving"), "hand up": Figure(pose="waving"), "arm up": Figure(pose="waving"),
    "crossed arms": Figure(pose="arms_crossed"), "arms crossed": Figure(pose="arms_crossed"),
    "folded arms": Figure(pose="arms_crossed"), "with crossed arms": Figure(pose="arms_crossed"),
    "sitting": Figure(pose="sitting"), "seated": Figure(pose="sitting"), "sits": Figure(pose="sitting"),
    "sit": Figure(pose="sitting"), "kneeling": Figure(pose="sitting"), "sitting down": Figure(pose="sitting"),
    "standing": Figure(pose="standing"), "stands": Figure(pose="standing"),
    "portrait": Figure(framing="portrait"), "close up": Figure(framing="portrait"),
    "closeup": Figure(framing="portrait"), "headshot": Figure(framing="portrait"),
    "face focus": Figure(framing="portrait"), "upper body": Figure(framing="upper_body"),
    "cowboy shot": Figure(framing="upper_body"), "bust": Figure(framing="upper_body"),
    "from the waist up": Figure(framing="upper_body"), "half body": Figure(framing="upper_body"),
    "half length portrait": Figure(framing="upper_body"), "full body": Figure(framing="full_body"),
    "full length": Figure(framing="full_body"), "wide shot": Figure(framing="full_body"),
    "full body shot": Figure(framing="full_body"), "chibi": Figure(chibi=True), "super deformed": Figure(chibi=True),
    "blonde": Figure(hair="blonde"), "blond": Figure(hair="blonde"),
}  # fmt: skip
"""Said of somebody in words that need no grammar."""

PARTS: Final = frozenset({"ears", "tail", "wings", "horns", "horn", "smile", "halo", "skin"})
"""What may have adjectives before it that nothing is drawn of: "fluffy cat ears"."""

TWO_COLOURS: Final = {
    "multicolored hair": "hair", "multicoloured hair": "hair", "two tone hair": "hair", "gradient hair": "hair",
    "streaked hair": "hair", "split color hair": "hair", "colored tips": "hair", "colored inner hair": "hair",
    "two colored hair": "hair", "rainbow hair": "hair", "heterochromia": "eyes", "mismatched eyes": "eyes",
    "different colored eyes": "eyes", "odd eyes": "eyes",
}  # fmt: skip

BEFORE_A_NOUN: Final = words(
    "blonde blond happy cheerful smiling grinning laughing sad angry annoyed furious surprised shocked scared "
    "serious expressionless blushing embarrassed shy crying sleeping winking waving sitting seated kneeling "
    "standing tanned tan pale freckled chibi asleep singing shouting"
)
"""Adjectives: right before somebody they are theirs, before a thing they are not somebody's."""
