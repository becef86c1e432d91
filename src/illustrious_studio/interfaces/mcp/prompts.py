"""Prompts: the usual tasks, as a person picks them from a host's menu. Each says which tools to use, in which order."""

from dataclasses import dataclass

from mcp.types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from illustrious_studio.domain.errors import InvalidRequest


@dataclass(frozen=True)
class Task:
    """A task: its arguments with what they mean, and the words that ask for it."""

    name: str
    title: str
    about: str
    arguments: dict[str, str]
    words: str

    def declared(self) -> Prompt:
        arguments = [
            PromptArgument(name=name, description=about, required=True) for name, about in self.arguments.items()
        ]
        return Prompt(name=self.name, title=self.title, description=self.about, arguments=arguments)

    def asked(self, given: dict[str, str]) -> GetPromptResult:
        """Raises InvalidRequest when an argument is missing."""
        missing = [name for name in self.arguments if not given.get(name, "").strip()]
        if missing:
            raise InvalidRequest(f"{', '.join(missing)}: is required")
        words = self.words.format_map({name: given[name] for name in self.arguments})
        return GetPromptResult(
            description=self.about, messages=[PromptMessage(role="user", content=TextContent(text=words))]
        )


TASKS = (
    Task(
        "draw",
        "Draw a picture",
        "Draw an idea, and improve it until it fits.",
        {"idea": "What the picture should show."},
        "Draw this: {idea}\n\nPut it into good words with enhance_prompt, then use generate_image with the steps and "
        "the guidance that list_models gives for the checkpoint in use. Look at the preview. When something of the "
        "idea is missing or wrong, change just that with refine_image, twice at most. Then tell me the picture's id.",
    ),
    Task(
        "variations",
        "Variations of a picture",
        "The same settings with other seeds, to choose from.",
        {"image_id": "Id of the picture."},
        "Make three variations of the picture {image_id}: use refine_image three times with nothing changed but the "
        "seed (-1). Then say in a sentence how each differs from the first, and give me the ids.",
    ),
    Task(
        "change",
        "Change a picture",
        "Draw a picture again with one thing changed.",
        {"image_id": "Id of the picture.", "change": "What should be different."},
        "Change the picture {image_id} like this: {change}\n\nLook at it and its settings with get_image, then use "
        "refine_image with only those settings changed that this needs; keep the seed, so that the rest stays "
        "similar. Compare the two previews, and tell me what changed.",
    ),
    Task(
        "describe",
        "Describe a picture",
        "What is in a picture, and how it was made.",
        {"image_id": "Id of the picture."},
        "Describe the picture {image_id}: what it shows (analyze_image, and your own look at get_image), how it was "
        "made (its settings), and where it does not show what its prompt asks for.",
    ),
    Task(
        "find",
        "Find a picture",
        "Find a picture in the gallery from what is remembered of it.",
        {"memory": "What you remember of it."},
        "Find a picture in my gallery. What I remember: {memory}\n\nUse search_gallery with single words of it "
        "(it searches prompts), look at the likeliest with get_image, and show me the one that fits best.",
    ),
)
