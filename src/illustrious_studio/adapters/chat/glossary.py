"""The field's words in a sentence each, for the embedded language model, which takes Stable Diffusion for chemistry.

Asked as "What is a LoRA?" or "What does clip skip mean?"; any other question about them goes to the model.
"""

import re

TERMS: dict[str, str] = {
    "stable diffusion": (
        "Stable Diffusion is a family of models that make pictures from text: they begin with noise and take it "
        "away in steps, as the prompt says. This studio draws with its version SDXL."
    ),
    "sdxl|stable diffusion xl": (
        "SDXL is Stable Diffusion XL, a model that draws pictures of about 1024 x 1024 pixels from text. This "
        "studio draws with SDXL checkpoints."
    ),
    "illustrious|illustrious xl": (
        "Illustrious is a family of SDXL checkpoints for anime pictures. It was trained on danbooru's tags, so "
        "prompts are lists of tags."
    ),
    "checkpoint": (
        "A checkpoint is the file with all weights of an image model, usually a .safetensors of some gigabytes. "
        "Put one into the studio's checkpoints folder, and choose it under System."
    ),
    "lora": (
        "A LoRA is a small file that adds a style, a character or a thing to a checkpoint. It changes some of its "
        "weights while pictures are drawn. This studio draws without them."
    ),
    "vae": (
        "The VAE is the part of an image model that turns latents into pixels and back. A wrong one gives wrong "
        "colours."
    ),
    "sampler": (
        "The sampler is the method by which noise is taken away step by step, for example Euler a or DPM++ 2M."
    ),
    "cfg|cfg scale|guidance|guidance scale": (
        "The CFG scale says how closely the picture follows the prompt. 5 to 7 is usual; too high burns the colours."
    ),
    "step|steps|sampling steps": (
        "Steps are how often noise is taken away. 20 to 30 are usual; more take longer and change little."
    ),
    "seed": (
        "The seed is the number that the first noise is made from. The same seed and settings give the same picture."
    ),
    "negative prompt": "The negative prompt lists what should not be in the picture.",
    "prompt": (
        "The prompt is the text that says what the picture should show. Illustrious checkpoints like danbooru "
        "tags: 1girl, silver hair, smile."
    ),
    "inpainting|inpaint": (
        "Inpainting draws a part of a picture anew: you paint a mask, and only what it covers changes."
    ),
    "img2img|image to image": (
        "Image to image starts from a picture in place of noise. The strength says how much of it changes."
    ),
    "denoising strength|strength": (
        "The denoising strength says how much of the picture it starts from is changed: 0 leaves it as it is, 1 "
        "draws it anew."
    ),
    "clip skip": ("Clip skip leaves out the last layers of the text encoder. 2 is usual for many anime checkpoints."),
    "latent|latents": (
        "Latents are the small form of a picture that the model works on; the VAE turns them into pixels."
    ),
    "v-prediction|v prediction|vpred": (
        "A v-prediction checkpoint predicts velocity in place of noise. If pictures come out as noise, set its "
        "prediction type under System."
    ),
    "danbooru|danbooru tag|danbooru tags": (
        "Danbooru is a picture board whose tags, such as 1girl or blue eyes, anime checkpoints were trained on. "
        "Prompts for these are lists of such tags."
    ),
    "controlnet": (
        "A ControlNet steers a picture by another one, for example by its edges or a pose. This studio has none."
    ),
    "embedding|textual inversion": (
        "An embedding, or textual inversion, is a tiny file that teaches the text encoder a new word for a style "
        "or a thing. This studio draws without them."
    ),
    "ollama": (
        "Ollama is a program that runs language and vision models on your own machine. The studio finds it by "
        "itself when it runs."
    ),
    "safetensors": "A .safetensors file holds a model's weights and cannot run code, unlike .ckpt files.",
}
_BY_NAME = {name: answer for names, answer in TERMS.items() for name in names.split("|")}
_ASKED = re.compile(
    r"\W*(?:(?:and )?what(?:'s| is| are| does| do)|explain(?: to me)?|define) (?:an? |the |meant by )?"
    r"(?P<term>[\w .+-]{2,30}?)s?(?: (?:mean|stand for))?"
    r"(?: (?:for|in) (?:image|picture|sdxl|stable diffusion)\b[\w ]*)?\W*",
    re.IGNORECASE,
)


def explained(question: str) -> str:
    """What a word of the field means, where that is what is asked; else empty."""
    found = _ASKED.fullmatch(question)
    return _BY_NAME.get(found["term"].strip(" .").lower(), "") if found else ""
