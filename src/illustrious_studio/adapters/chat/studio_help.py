"""How things are done in this studio, in a sentence or two each, for the embedded language model, which invents menus.

Asked as "How do I add a checkpoint?" or "Where are my pictures saved?"; what a word means is `glossary`'s. A question
counts where it asks how, where or whether, and names something of the studio.
"""

import re

KEPT = "Each picture is a PNG file in the folder `gallery` of the studio's data folder. The Gallery tab shows them all."
NETWORKS = (
    "Put LoRAs into the folder `models/loras` of the studio's data folder and embeddings into `models/embeddings`. A "
    "prompt names a LoRA as `<lora:name:0.8>`, which the LoRAs fold of Create writes for you, and an embedding by its "
    "name. ControlNet and hypernetworks are not done here."
)
CHECKPOINTS = (
    "Put the checkpoint, an SDXL `.safetensors` file, into the folder `models/checkpoints` of the studio's data "
    "folder. "
    "Then choose it in the System tab, under Image model."
)
CHAT_MODELS = (
    "Start Ollama and pull a model, for example `ollama pull qwen3:4b` to chat or `ollama pull qwen2.5vl:3b` to "
    "analyze "
    "pictures. The studio notices it within seconds; the System tab switches the chat model."
)
_PICTURE = r"(?:picture|image|photo|drawing|painting)s?"
_CHANGING = r"(?:add|install|use|load|put|get|import|change|switch|choose|select|find|download|bring)"
_ANSWERS = (
    (
        r"loras?|lycoris|textual inversions?|hypernetworks?|control ?nets?|embeddings? in (?:a |the )?prompts?",
        NETWORKS,
    ),
    (
        rf"upscale\b.*|upscal(?:er|ers|ing)|(?:enlarge|larger|bigger|higher resolution)\b.*\b{_PICTURE}|hires fix",
        "Press Upscale on a picture in Create or in the gallery: it becomes twice as wide and high. Upscale and redraw "
        "beside it draws the larger picture over, which is for SDXL checkpoints. To draw one larger "
        "from the start, open Hires fix in Create.",
    ),
    (
        r"vaes?",
        "Put the VAE file into the folder `models/vae` of the studio's data folder, and choose it in Create under "
        "Advanced.",
    ),
    (r"(?:language|chat|vision|ollama) models?|ollama|llms?", CHAT_MODELS),
    (
        r"checkpoints?|safetensors?|(?:image|sdxl|picture) models?"
        rf"|{_CHANGING} (?:to )?(?:an?|the|my|own|my own|other|another|new|different|other|more)* ?models?"
        r"(?: (?:here|in|to|into|for|with) .*)?(?=\W*$)",
        CHECKPOINTS,
    ),
    (
        rf"(?:delete|undo|restore|recover)\b.*\b{_PICTURE}",
        "Delete stands under the picture in Create and in the Gallery tab, and Undo brings it back at once. After "
        "seven "
        "days what was deleted is gone for good.",
    ),
    (
        r"(?:remove|cut ?out|without)\b.*\bbackground|transparent",
        "Press Remove background under the picture in Create or in the Gallery tab: you get a PNG with a transparent "
        "background.",
    ),
    (
        rf"(?:saved?|stored?|kept|keep|go|folder|download|find)\b.*\b(?:{_PICTURE}|gallery)(?=\W*$)"
        rf"|(?:my|the|your|generated|old|all|finished|these|those) (?:\w+ )?(?:{_PICTURE}|gallery)\b"
        r".*\b(?:saved?|stored?|kept|keep|go|end up|folder|located|found|stay)",
        KEPT,
    ),
    (
        rf"inpaint\w*|img2img|image to image|(?:start|draw|begin) from (?:an?|the|my|another) (?:own )?{_PICTURE}"
        rf"|(?:change|edit|redraw|fix)\b.*\bparts?\b.*\b{_PICTURE}",
        "Open Image to image in Create, or press Image to image under a picture. There you choose the picture, and "
        "paint "
        "the part that is to be drawn anew.",
    ),
    (
        r"wildcards?",
        "Put a text file with a choice a line into the folder `wildcards` of the studio's data folder: `color.txt` is "
        "`__color__` in a prompt.",
    ),
    (r"negative prompts?", "Open Negative prompt in Create, and write there what should not be in the picture."),
    (
        r"(?:the|a|my|same|another|fixed) (?:seed|sampler|schedule|steps|cfg|guidance)|number of steps|cfg scale"
        r"|clip skip",
        "Open Advanced in Create: sampler, steps, CFG scale, seed and the other settings stand there.",
    ),
    (
        rf"(?:size|resolution|width|height|shape|format)\b.*\b{_PICTURE}|{_PICTURE} (?:size|resolution)",
        "Choose the size in Create: square, portrait, landscape, or Custom for a width and a height of your own.",
    ),
    (
        rf"(?:reuse|same|repeat|recreate|again)\b.*\b(?:settings|{_PICTURE})|settings of (?:an?|the"
        rf"|my) (?:\w+ )?{_PICTURE}",
        "Press Reuse settings under the picture: its prompt and settings, the seed too, go into Create.",
    ),
    (
        r"(?:the|your|this|an) api|api of|sillytavern|open ?webui|mcp|claude desktop|other programs",
        "The Connect tab says what to paste into each program, and tests whether they get along. The API is on port "
        "8000, unless you chose another.",
    ),
    (
        rf"(?:make|draw|create|generate) (?:an?|my|the|new|own|more|some|first|another"
        rf"|\s)* ?{_PICTURE}(?=(?: here)?\W*$)",
        "Write what you would like to see in Create and press Generate, or write it here after `#generate`.",
    ),
)
_ASKS = (
    r"(?:how (?:do|can|could|should|would|to|does)|where (?:do|can|could|should|is|are|does|did|to)"
    r"|(?:can|may|could|should) (?:i|we|you|one|this|the studio)|what (?:do|should|must) i do"
    r"|(?:does|do|will) (?:this|the studio|it|you)|(?:is|are) there|i (?:want|would like|need) to)"
)
_OF_THE_STUDIO = tuple(
    (re.compile(rf"\b{_ASKS}\b.*\b(?:{subject})\b", re.IGNORECASE | re.DOTALL), answer) for subject, answer in _ANSWERS
)


def helped(question: str) -> str:
    """How that is done here, where this is what is asked; else empty."""
    return next((answer for asked, answer in _OF_THE_STUDIO if asked.search(question)), "")
