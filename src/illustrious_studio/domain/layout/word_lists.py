"""The small words of prompts: numbers, sizes, relations, styles, and all that names no thing. Only lists, no code.

Words of things and of backgrounds are not here: they come with whatever paints them.
"""

from typing import Final, Literal

RelationKind = Literal[
    "left_of", "right_of", "beside", "above", "below", "on", "under", "inside", "behind", "in_front_of",
    "between", "wearing", "holding",
]  # fmt: skip


def words(text: str) -> frozenset[str]:
    """A list of words that are written one after the other."""
    return frozenset(text.split())


NUMBERS: Final[dict[str, int]] = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "pair of": 2, "couple of": 2, "couple": 2, "both": 2, "twin": 2, "duo of": 2, "trio of": 3, "few": 3, "some": 3,
    "several": 4, "group of": 4, "bunch of": 4, "family of": 4, "herd of": 5, "flock of": 5, "pack of": 5,
    "row of": 4, "school of": 5, "swarm of": 6, "half a dozen": 6, "many": 6, "lots of": 6, "lot of": 6, "multiple": 3,
    "ten": 9, "dozen": 9, "dozens of": 9, "crowd of": 9, "hundreds of": 9, "countless": 9,
}  # fmt: skip
"""How many a word stands for; nine is the most that is drawn."""

MOST: Final = 9
PLURAL_COUNT: Final = 3
"""How many "cats" are, when nothing says it."""

ONE: Final = words("a an one single another the this that my your his her its their our")
NEW: Final = words("a an one single another")
THE_ONE: Final = words("other first second third fourth")
HAS: Final = words("has have")
"""Of several people: "one with ...", "the other has ..."."""
IS: Final = words("is are")
SIDES: Final[dict[str, tuple[int, int]]] = {
    "left": (-1, 0), "leftmost": (-1, 0), "right": (1, 0), "rightmost": (1, 0), "middle": (0, 0), "center": (0, 0),
    "centre": (0, 0),
}  # fmt: skip
"""Before somebody: where in the frame they are."""

SIZES: Final[dict[str, float]] = {
    "tiny": 0.5, "miniature": 0.5, "microscopic": 0.4, "small": 0.65, "little": 0.7, "mini": 0.6, "short": 0.8,
    "young": 0.8, "big": 1.3, "large": 1.3, "tall": 1.25, "huge": 1.6, "giant": 1.6, "gigantic": 1.7, "enormous": 1.7,
    "massive": 1.6, "great": 1.2, "towering": 1.6,
}  # fmt: skip

COLOURS: Final[dict[str, str]] = {
    "red": "red", "crimson": "red", "scarlet": "red", "orange": "orange", "yellow": "yellow", "golden": "yellow",
    "gold": "yellow", "blonde": "yellow", "green": "green", "blue": "blue", "navy": "dark blue",
    "light blue": "light blue", "sky blue": "light blue", "dark blue": "dark blue", "navy blue": "dark blue",
    "purple": "purple", "violet": "purple", "pink": "pink", "magenta": "pink", "brown": "brown", "black": "black",
    "gray": "gray", "grey": "gray", "silver": "gray", "white": "white", "beige": "beige", "cream": "beige",
    "teal": "teal", "turquoise": "teal", "cyan": "teal",
}  # fmt: skip
"""Words of colour, and the colour that is painted."""

RELATIONS: Final[dict[str, RelationKind]] = {
    "left of": "left_of", "to the left of": "left_of", "on the left of": "left_of", "on the left side of": "left_of",
    "left from": "left_of", "right of": "right_of", "to the right of": "right_of", "on the right of": "right_of",
    "on the right side of": "right_of", "right from": "right_of",
    "next to": "beside", "beside": "beside", "besides": "beside", "near": "beside", "close to": "beside",
    "by": "beside", "alongside": "beside", "at": "beside", "facing": "beside", "looking at": "beside",
    "chasing": "beside", "watching": "beside", "meeting": "beside", "eating": "beside", "drinking": "beside",
    "above": "above", "over": "above", "jumping over": "above", "flying over": "above", "hovering over": "above",
    "below": "below", "beneath": "under", "underneath": "under", "under": "under",
    "on": "on", "onto": "on", "upon": "on", "on top of": "on", "atop": "on", "riding": "on", "riding on": "on",
    "in": "inside", "inside": "inside", "into": "inside", "inside of": "inside", "within": "inside",
    "behind": "behind", "in front of": "in_front_of", "before": "in_front_of",
    "between": "between", "in between": "between", "surrounded by": "between",
    "wearing": "wearing", "wears": "wearing", "dressed in": "wearing",
    "reading": "holding",
    "holding": "holding", "holds": "holding", "carrying": "holding", "carries": "holding", "playing": "holding",
    "playing the": "holding", "with": "beside",
}  # fmt: skip

POSITIONS: Final[dict[str, tuple[int, int]]] = {
    "on the left": (-1, 0), "on the left side": (-1, 0), "at the left": (-1, 0), "to the left": (-1, 0),
    "on left": (-1, 0), "at left": (-1, 0), "on the right": (1, 0), "on the right side": (1, 0), "at the right": (1, 0),
    "to the right": (1, 0), "on right": (1, 0), "at right": (1, 0),
    "at the top": (0, -1), "on the top": (0, -1), "overhead": (0, -1), "at the bottom": (0, 1), "on the bottom": (0, 1),
    **{
        phrase.format(down, across): (x, y)
        for down, y in (("top", -1), ("upper", -1), ("bottom", 1), ("lower", 1))
        for across, x in (("left", -1), ("right", 1))
        for phrase in ("{} {}", "{} {} corner", "in the {} {}", "in the {} {} corner", "at the {} {}")
    },
    "in the corner": (1, -1), "in the middle": (0, 0), "in the center": (0, 0), "in the centre": (0, 0),
    "in the background": (0, 0), "in the foreground": (0, 0),
}  # fmt: skip
"""Places in the frame: left to right and top to bottom, -1 to 1."""

TIMES: Final[dict[str, str]] = {
    "night": "night", "at night": "night", "nighttime": "night", "night time": "night", "midnight": "night",
    "at midnight": "night", "moonlight": "night", "in the moonlight": "night", "moonlit": "night",
    "night sky": "night", "starry sky": "night", "under a starry sky": "night", "under the stars": "night",
    "in the night": "night", "starry night": "night", "night background": "night", "in the dark": "night",
    "sunset": "sunset", "at sunset": "sunset", "in front of a sunset": "sunset", "sunset background": "sunset",
    "with a sunset in the background": "sunset", "sunrise": "sunset", "at sunrise": "sunset", "dawn": "sunset",
    "at dawn": "sunset", "dusk": "sunset", "at dusk": "sunset", "twilight": "sunset", "evening": "sunset",
    "in the evening": "sunset", "golden hour": "sunset", "during the golden hour": "sunset",
}  # fmt: skip

WEATHERS: Final[dict[str, Literal["rain", "fog"]]] = {
    **dict.fromkeys(
        (
            "rain", "in the rain", "raining", "rains", "rainy", "rainy day", "on a rainy day", "heavy rain", "rainfall",
            "rainstorm", "storm", "in a storm", "thunderstorm", "stormy", "stormy weather", "rainy weather",
            "under the rain",
        ),
        "rain",
    ),
    **dict.fromkeys(("fog", "in the fog", "foggy", "foggy day", "mist", "in the mist", "misty", "haze", "hazy"), "fog"),
}  # fmt: skip
"""Weather lies over a place, as the time of day does; where there is none, it is the background."""
INDOORS: Final = frozenset({"room", "cave"})
"""Places without a sky: at night no stars are seen there, and no rain falls."""
SEASONS: Final = frozenset({"autumn", "blossoms"})
GREEN: Final = frozenset({"meadow", "forest"})
"""Places that look otherwise in these seasons."""
ANYWHERE: Final = frozenset(
    {
        "outdoors", "nature", "sky", "blue sky", "in the blue sky", "cloudy sky", "clouds", "with clouds", "grass",
        "sky with clouds", "countryside", "spring", "winter", "in winter", "indoors", "interior", "at home",
    }
)  # fmt: skip
"""Places that say so little that any other place, named before or after, is meant."""

STYLES: Final[dict[str, Literal["flat", "cartoon"]]] = {
    "cartoon": "cartoon", "cartoon style": "cartoon", "in cartoon style": "cartoon", "comic": "cartoon",
    "comic style": "cartoon", "anime": "cartoon", "anime style": "cartoon", "chibi": "cartoon", "toon": "cartoon",
    "cartoonish": "cartoon", "flat": "flat", "flat design": "flat", "flat illustration": "flat", "flat style": "flat",
    "flat color": "flat", "vector": "flat", "vector art": "flat", "minimalist": "flat", "icon": "flat",
}  # fmt: skip

BODY: Final = words(
    "eyes eye hair ears ear tail tails mouth nose face faces skin wings wing hands hand arms arm legs leg feet "
    "foot paws paw teeth lips smile bangs fur horns horn whiskers breasts chest body head eyelashes eyebrows "
    "beard freckles tongue collarbone navel cleavage midriff thighs shoulders shoulder knees waist fingers fingernails "
    "neck stomach hips"
)
"""Parts of somebody: never drawn alone while somebody is there to have them."""

CLOTHING: Final = words(
    "uniform skirt blouse kimono yukata swimsuit bikini hoodie sweater gloves boots thighhighs stockings "
    "pantyhose kneehighs hood sleeveless loafers sandals heels necktie bowtie ribbon bow necklace earrings "
    "earring belt cape cloak robe armor armour apron sleeves sleeve collar choker jewelry bracelet socks trousers "
    "jeans miniskirt vest cardigan hairband hairclip hairpin slippers shoes shoe mask piercing piercings sneakers "
    "pendant brooch anklet pajamas pyjamas costume onesie underwear panties bra corset tights leotard bodysuit "
    "overalls mittens earmuffs veil badge armband wristband backpack"
)
"""What somebody wears and no drawing shows: a detail while somebody is there to wear it."""
CLOTHING_PHRASES: Final = ("bow tie", "bow ties")
"""The same in two words."""
CARRIED: Final = frozenset({"backpack", "rucksack", "school bag", "handbag", "bag", "purse"})
"""Of the things that are worn those that may stand beside who has them."""
JEWELRY: Final = words("ring rings")
"""Things that are worn where somebody is there: "1girl, wedding ring"."""
TIES: Final = words("tie ties")
ADORNMENTS: Final = TIES | words("ring rings bell bells necktie shoe backpack ornament ornaments pin pins clip clips")
"""Things that are somebody's with a word before them: "nose ring", "hair bell", "bear backpack"."""
PATTERNS: Final = words("print prints printed pattern patterned motif themed stripes logo shaped")
"""After what is on cloth: "strawberry print dress"."""

CONTENTS: Final = ("of", "full of", "filled with", "containing")
"""After a container: what is in it."""

PEOPLE: Final = words("girl girls boy boys woman women man men lady maid person guy")
"""After an animal or another word they name a person: "cat girl"."""

NOTHING: Final = (
    "looking at viewer", "looking at the viewer", "pencil drawing", "pencil sketch", "crayon drawing", "line art",
    "depth of field", "light rays", "sun rays", "eye contact", "eye level", "bird's eye view", "fish eye",
    "fish eye lens", "worm's eye view", "in the style of", "state of the art", "work of art", "movie poster",
    "album cover", "book cover", "key visual", "key art", "ponytail", "twin tails", "side ponytail", "at the camera",
    "looking at the camera", "on camera", "camera angle", "cowboy shot", "egg shaped", "heart shaped",
    "star shaped", "in the air", "school uniform", "by night", "best quality", "from behind", "from above",
    "from below", "from side", "looking back", "looking away", "looking up", "looking down", "looking to the side",
    "hands up", "arms up", "arms behind back", "hand on hip", "hands on hips", "holding hands", "tongue out",
    "male focus", "female focus", "detached sleeves", "long sleeves", "short sleeves", "puffy sleeves", "wide sleeves",
    "bare shoulders", "large breasts", "medium breasts", "small breasts", "bare arms", "bare legs", "wavy mouth",
    "source anime", "source pony", "source cartoon", "source furry", *(f"score {number}" for number in range(10)),
    *(f"score {number} up" for number in range(10)), "year 2023", "year 2024", "year 2025", "dutch angle",
    "rim lighting", "light particles", "cherry blossom petals", "falling petals", "artist name", "speech bubble",
)  # fmt: skip
"""Phrases that hold the name of a thing, or a relation, and mean none."""

AS: Final = ("as a", "as an", "dressed as a", "dressed as an", "dressed up as a", "dressed up as an", "dressed like a")
"""Between somebody and who they are."""
SILENT_PHRASES: Final = (*AS, "pairs of", "solo", "no humans", "a lot like", "solo focus", "everyone else")
"""What is done, or says nothing."""

NEGATIONS: Final = words("no without not")

QUALITY: Final = words(
    "masterpiece best quality high highest highly normal low worst good great amazing incredible absurdres "
    "highres lowres hires ultra uhd hd 2k 4k 8k 16k detailed detail details extremely very aesthetic score rating "
    "safe general sensitive newest recent year official intricate sharp focus depth field professional award "
    "winning perfect stunning gorgeous beautiful lovely pretty nice cute adorable simple colorful colourful "
    "bright vivid vibrant cinematic dramatic soft warm cool volumetric studio natural light lighting lights "
    "shadow shadows bokeh blurry blurred hdr raw unreal engine octane render rendered rendering trending "
    "artstation deviantart pixiv danbooru composition epic fantastic realistic photorealistic hyperrealistic"
)
META: Final = words(
    "watermark signature username commentary translated text logo dated censored uncensored commission artist artists "
    "original copyright virtual vtuber nsfw sfw explicit questionable"
)
"""What danbooru says of a picture that no picture shows."""
RESTING: Final = words("sitting seated sleeping lying resting sits sleeps lies kneeling")
"""Done on a bed or a chair, where one is there."""
SILENT: Final = words(
    "picture pictures image images illustration illustrations drawing drawings scene background backgrounds backdrop "
    "day daytime daylight left right top bottom side sides middle center centre design graphic art artwork lit"
)
"""Of the words for pictures those that ask for nothing."""
STYLE_WORDS: Final = words(
    "picture pictures image images photo photograph photography illustration illustrations drawing drawings "
    "sketch painting painted paint art artwork artist style styles design graphic clipart logo emoji sticker "
    "portrait closeup close up shot view angle wide full body upper half cowboy watercolor watercolour oil pastel "
    "ink lineart line pencil 3d 2d cgi pixel digital concept wallpaper poster scene background backgrounds "
    "backdrop foreground front middle center centre corner left right top bottom side sides looking viewer "
    "landscape panorama isometric retro vintage modern abstract pop manga webtoon ghibli impressionist surreal "
    "monochrome greyscale grayscale"
)
STOP: Final = words(
    "a an the this that these those there here it its he she they them we you i me my your his her their our one "
    "and or but of to from for with at by as on in into is are was were be been being am has have having had do "
    "does did can could will would shall should may might must not no yes so such some any all each every both "
    "other another more most many much few less than then too very just only also up down out off over again "
    "about around through during while where when who whom which what why how if because until against within "
    "without like look looks looking draw make show create generate please want need give me let get put sits sit "
    "sat stands stand stood lies lie lay runs run ran walks walk flies fly flew swims swim sleeps sleep jumps "
    "jump plays play eats eat drinks drink looks wears says say seen see made filled covered full together alone "
    "single ground floor air stuff thing things something surrounded dressed"
)
ADJECTIVES: Final = words(
    "fluffy happy sad angry old new young fat thin slim round square tall short long wooden metal metallic "
    "plastic glass stone magic magical mysterious ancient medieval futuristic fresh ripe juicy sweet hot cold "
    "warm wild friendly funny silly sleepy tired hungry brave lonely quiet calm peaceful dark shiny glowing "
    "sparkling bare wet dry clean dirty broken empty open closed fast slow strong weak heavy soft hard rough "
    "smooth striped spotted dotted furry hairy scary spooky creepy evil good bad kind gentle fancy elegant royal "
    "rich poor lazy crazy wise smart playful curious cheerful smiling delicious tasty yummy fine real fake plain "
    "pure single baby male female adult cosy cozy rustic tropical exotic rare common typical classic famous "
    "popular bearded detached puffy strapless chubby plump rainy sunny cloudy windy lit blooming standing"
)
NOT_VERBS: Final = words(
    "king queen ring wing wings string spring thing ceiling building clothing earring earrings pudding wedding "
    "swing sling viking duckling gosling stocking stockings"
)
"""Nouns that end like a verb's -ing."""
NOT_ADVERBS: Final = words("family lily lilies jelly belly bully holly trolley ally fly")
