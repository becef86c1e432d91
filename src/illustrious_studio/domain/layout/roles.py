"""The words that say who somebody is, and what that says of their look. Only lists, no code."""

from typing import Final

from illustrious_studio.domain.layout.figures import Figure, Garment, Who
from illustrious_studio.domain.layout.person_words import ANIMALS

FOLK: Final[dict[str, Who]] = {"girl": "girl", "woman": "girl", "boy": "boy", "man": "boy", "guy": "boy"}
"""After an animal: "fox girl"."""
PEOPLE: Final[dict[str, tuple[Who | None, Figure]]] = {
    **dict.fromkeys(
        ("girl", "woman", "lady", "female", "maiden", "waifu", "mother", "mom", "noblewoman", "dancer", "girlfriend",
         "sister", "wife", "daughter", "heroine", "young woman", "young girl", "young lady", "anime girl",
         "little girl",
         "anime woman", "gal", "teenage girl", "idol", "singer", "magical girl", "mage girl"),
        ("girl", Figure()),
    ),
    **dict.fromkeys(
        ("boy", "man", "guy", "male", "father", "dad", "boyfriend", "brother", "husband", "son", "young man", "lad",
         "young boy", "anime boy", "little boy", "anime man", "teenage boy", "young guy", "gentleman"),
        ("boy", Figure()),
    ),
    **dict.fromkeys(("person", "human", "teenager", "someone", "somebody", "anime character"), (None, Figure())),
    "friend": (None, Figure()), "grandmother": ("girl", Figure(hair="grey", hair_style="bun")),
    "grandma": ("girl", Figure(hair="grey", hair_style="bun")),
    "doctor": (None, Figure(clothes=(Garment(kind="jacket", colour="white"),))),
    "nurse": ("girl", Figure(clothes=(Garment(kind="dress", colour="white"),))),
    "teacher": (None, Figure(clothes=(Garment(kind="suit"),), extras=("glasses",))),
    "princess": ("girl", Figure(clothes=(Garment(kind="dress"),), extras=("crown",))),
    "queen": ("girl", Figure(clothes=(Garment(kind="dress"),), extras=("crown",))),
    "goddess": ("girl", Figure(clothes=(Garment(kind="dress", colour="white"),), extras=("halo",))),
    "bride": ("girl", Figure(clothes=(Garment(kind="dress", colour="white"),), extras=("hair_flower",))),
    "maid": ("girl", Figure(clothes=(Garment(kind="maid_dress"),), extras=("maid_headdress",))),
    **dict.fromkeys(
        ("king", "emperor"), ("boy", Figure(clothes=(Garment(kind="robe", colour="red"),), extras=("crown", "cape")))
    ),
    "empress": ("girl", Figure(clothes=(Garment(kind="dress"),), extras=("crown", "cape"))),
    **dict.fromkeys(("old man", "grandfather", "grandpa"), ("boy", Figure(hair="grey"))),
    **dict.fromkeys(("groom", "bridegroom"), ("boy", Figure(clothes=(Garment(kind="suit", colour="black"),)))),
    "prince": ("boy", Figure(clothes=(Garment(kind="suit"),), extras=("crown", "cape"))),
    "witch": ("girl", Figure(clothes=(Garment(kind="robe"),), extras=("witch_hat",))),
    "knight": (None, Figure(clothes=(Garment(kind="armor"),))),
    "female knight": ("girl", Figure(clothes=(Garment(kind="armor"),))),
    "warrior": (None, Figure(clothes=(Garment(kind="armor"),))),
    "soldier": (None, Figure(clothes=(Garment(kind="armor"),))),
    "adventurer": (None, Figure(extras=("cape",))),
    "student": (None, Figure(clothes=(Garment(kind="school_uniform"),))),
    "schoolgirl": ("girl", Figure(clothes=(Garment(kind="school_uniform"),))),
    "school girl": ("girl", Figure(clothes=(Garment(kind="school_uniform"),))),
    "schoolboy": ("boy", Figure(clothes=(Garment(kind="school_uniform"),))),
    "school boy": ("boy", Figure(clothes=(Garment(kind="school_uniform"),))),
    "businessman": ("boy", Figure(clothes=(Garment(kind="suit"),))),
    "businesswoman": ("girl", Figure(clothes=(Garment(kind="suit"),))),
    "office lady": ("girl", Figure(clothes=(Garment(kind="suit"),))),
    "old woman": ("girl", Figure(hair="grey", hair_style="bun")),
    "brunette": ("girl", Figure(hair="brown")), "redhead": ("girl", Figure(hair="red")),
    "elf": (None, Figure(ears="elf")), "elf girl": ("girl", Figure(ears="elf")), "elf boy": ("boy", Figure(ears="elf")),
    "elf woman": ("girl", Figure(ears="elf")), "elven": (None, Figure(ears="elf")),
    "angel": (None, Figure(wings="angel", extras=("halo",))),
    "angel girl": ("girl", Figure(wings="angel", extras=("halo",))),
    "demon girl": ("girl", Figure(horns="demon", tail="demon", wings="demon")),
    "demon boy": ("boy", Figure(horns="demon", tail="demon", wings="demon")),
    "devil girl": ("girl", Figure(horns="demon", tail="demon", wings="demon")),
    "succubus": ("girl", Figure(horns="demon", tail="demon", wings="demon")),
    "oni girl": ("girl", Figure(horns="oni")), "dragon girl": ("girl", Figure(horns="demon", tail="demon")),
    "sheep girl": ("girl", Figure(horns="sheep")), "vampire girl": ("girl", Figure(extras=("fang", "cape"))),
    "fairy girl": ("girl", Figure(wings="fairy")), "bunnygirl": ("girl", Figure(ears="rabbit", tail="rabbit")),
    "kitsune girl": ("girl", Figure(ears="fox", tail="fox")), "catgirl": ("girl", Figure(ears="cat", tail="cat")),
    "catboy": ("boy", Figure(ears="cat", tail="cat")), "foxgirl": ("girl", Figure(ears="fox", tail="fox")),
    **{
        f"{word} {noun}": (who, Figure(ears=kind, tail=kind))
        for word, kind in ANIMALS.items()
        for noun, who in FOLK.items()
        if word not in ("kitsune", "puppy", "kitty")
    },
}  # fmt: skip
"""Who it is (None: as somebody who is there already, else a girl), and what that says of the look."""

COMPANIES: Final = {
    **dict.fromkeys(("couple", "lovers", "newlyweds", "parents", "siblings", "sweethearts"), "1girl and 1boy"),
    "twins": "2girls",
}
"""Words for several people at once, and who they are where nobody else is named."""

USUALLY_BOYS: Final = frozenset({"knight", "warrior", "soldier", "adventurer"})

ROLES: Final[dict[str, Figure]] = {
    "samurai": Figure(clothes=(Garment(kind="kimono"),)),
    "ninja": Figure(clothes=(Garment(kind="robe"),), extras=("scarf",)),
    "vampire": Figure(extras=("fang", "cape")), "fairy": Figure(wings="fairy"),
    "mage": Figure(clothes=(Garment(kind="robe"),)),
    "archer": Figure(extras=("cape",)),
    "kunoichi": Figure(clothes=(Garment(kind="robe"),), extras=("scarf",)),
    "wizard": Figure(clothes=(Garment(kind="robe"),), extras=("witch_hat",)),
    "sorceress": Figure(clothes=(Garment(kind="robe"),), extras=("witch_hat",)),
}  # fmt: skip
"""Things that somebody is who is there already: alone they stay drawings of their own."""
