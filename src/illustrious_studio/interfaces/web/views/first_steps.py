"""The panel that leads to real pictures: three steps, each with what was found on this machine.

Plain functions from values to HTML. Figures that are not of this machine say of which one they are.
"""

from html import escape

from illustrious_studio.domain.machine import MachineFacts
from illustrious_studio.domain.models import Checkpoint, ModelStatus
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.services.first_steps import FirstSteps, Measured

MOST_LISTED = 3
CHAT_MODEL, VISION_MODEL = "qwen3:4b", "qwen2.5vl:3b"
CPU_MEMORY = 16 * 2**30
"""What a full SDXL takes in float32 while it draws on a processor, rounded up (docs/performance.md, "Real size")."""
ON_A_PROCESSOR = (
    "On a processor a full SDXL checkpoint is slow: on two cores, 2 steps at 256 × 256 took 24 s and 15 GiB."
)
CUDA_TORCH = "pip install --force-reinstall torch==2.13.0"


def panel(steps: FirstSteps | None) -> str:
    """The panel; nothing when there is nothing left to lead to."""
    if steps is None:
        return ""
    listed = (
        ("A checkpoint", bool(steps.own), _checkpoint(steps)),
        ("Ollama, for chat", steps.chat.backend in ("ollama", "openai"), _chat(steps)),
        ("A graphics card", steps.image.device_type in ("cuda", "mps"), _card(steps)),
    )
    items = "".join(
        f"<li><h3>{title}{'<span class=found>found</span>' if found else ''}</h3>{body}</li>"
        for title, found, body in listed
    )
    return (
        '<details class="steps" open><summary>Three steps to real pictures</summary>'
        f'<button type="button" class="plain" name="steps_hide" value="">Hide</button><ol>{items}</ol></details>'
    )


def _checkpoint(steps: FirstSteps) -> str:
    folder = escape(str(steps.folder))
    opener = (
        '<button type="button" class="act small only-here" name="open_models" value="">Open folder</button>'
        if steps.machine.desktop
        else ""
    )
    return (
        f"<p>Put an SDXL checkpoint, a <code>.safetensors</code> file such as one of Illustrious, into this folder:</p>"
        f'<p class="path"><code>{folder}</code></p>'
        '<div class="buttons">'
        f'<button type="button" class="act small" name="copy" value="{folder}">Copy</button>{opener}'
        f"{parts.act('check_models', '', 'Check again', style='small')}</div>{_found(steps)}"
    )


def _found(steps: FirstSteps) -> str:
    """What lies in the folder; that nothing does only where somebody asked."""
    said = [_use(one) for one in steps.own[:MOST_LISTED]]
    said += [
        f"<p>{escape(file.path.name)} cannot be used. {escape(file.reason)}</p>" for file in steps.refused[:MOST_LISTED]
    ]
    if not said and steps.checked:
        said = ["<p>No checkpoint there yet. The built-in model draws meanwhile.</p>"]
    return f'<div class="outcome" role="status">{"".join(said)}</div>' if said else ""


def _use(checkpoint: Checkpoint) -> str:
    size = f" ({checkpoint.size_bytes / 1e9:.1f} GB)" if checkpoint.size_bytes else ""
    button = parts.act("use_checkpoint", checkpoint.name, "Use it", style="small")
    return f"<p>Found: {escape(checkpoint.name)}{size} {button}</p>"


def _chat(steps: FirstSteps) -> str:
    chat, vision = steps.chat, steps.vision
    if chat.state == "loading":
        return "<p>It is being looked for.</p>"
    if chat.backend in ("ollama", "openai"):
        where = "Ollama" if chat.backend == "ollama" else "The server that you named"
        sees = (
            f" {escape(vision.model)} answers about pictures."
            if vision.backend == "ollama"
            else f" For pictures type {_typed(f'ollama pull {VISION_MODEL}')}"
        )
        return f"<p>{where} answers, with {escape(chat.model)}.{sees}</p>"
    until = "Until then the small built-in model chats; it is often wrong."
    # The hint is what keeps Ollama from answering; there is none where nobody looks for it.
    why = chat.hint or "It is not in use: it is switched off, or the built-in model was chosen under System."
    pull, pull_vision = _typed(f"ollama pull {CHAT_MODEL}"), _typed(f"ollama pull {VISION_MODEL}")
    then = f"type {pull} and, to ask about pictures, {pull_vision}"
    found = "The program is installed. Start it, then" if steps.machine.ollama_installed else "Once it runs,"
    return f"<p>{parts.with_code(why)}</p><p>{found} {then}</p><p>{until}</p>"


def _typed(command: str) -> str:
    return (
        f'<code>{escape(command)}</code> <button type="button" class="plain" name="copy" value="{escape(command)}" '
        f'aria-label="Copy {escape(command)}">Copy</button>'
    )


def _card(steps: FirstSteps) -> str:
    image, machine = steps.image, steps.machine
    if image.state == "loading":
        return "<p>It is known once the image model is loaded.</p>"
    measured = _measured(steps.measured)
    if image.device_type in ("", "cpu"):
        driver = (
            f"<p>An NVIDIA driver is here, but this torch was built for the processor. Type {_typed(CUDA_TORCH)}</p>"
            if machine.nvidia_driver
            else ""
        )
        draws = f"No card is in use: {_processor(machine)} draws."
        return f"<p>{draws}{measured}</p>{driver}<p>{_slow(machine)}</p>"
    return f"<p>{escape(image.device or image.device_type)}{_memory(image)} draws.{measured}</p>"


def _processor(machine: MachineFacts) -> str:
    cores = "core" if machine.cores == 1 else "cores"
    return f"the processor ({machine.cores} {cores}, {machine.memory / 2**30:.0f} GiB of memory)"


def _slow(machine: MachineFacts) -> str:
    if machine.memory < CPU_MEMORY:
        return f"{ON_A_PROCESSOR} This machine has less than that."
    return f"{ON_A_PROCESSOR} SDXL wants a card with 8 GB."


def _memory(image: ModelStatus) -> str:
    return f" ({image.memory.total / 2**30:.0f} GiB)" if image.memory else ""


def _measured(measured: Measured | None) -> str:
    if measured is None:
        return " How fast that is stands here after the first picture."
    return (
        f" The last picture took it {parts.seconds(measured.seconds)} "
        f"({measured.width} × {measured.height}, {escape(measured.checkpoint)})."
    )
