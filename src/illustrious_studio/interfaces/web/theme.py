"""How the page looks: Gradio's theme with one accent colour and the system's fonts, and the studio's style sheet."""

from importlib.resources import files
from typing import Any

FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def packaged(name: str) -> str:
    """The text of a file in `static`."""
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")


def script(name: str, *shared: str) -> str:
    """A script of the page, as a component takes it: each runs in a function of its own. `shared`: what it uses."""
    return "".join(map(packaged, ("dom.js", *shared, name)))


def studio_theme() -> Any:
    """A Gradio theme. No font or file comes from another host."""
    import gradio as gr

    hue = gr.themes.colors
    theme = gr.themes.Base(
        primary_hue=hue.teal,
        secondary_hue=hue.teal,
        neutral_hue=hue.zinc,
        text_size=gr.themes.sizes.text_md,
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_md,
        font=FONT,
        font_mono=MONO,
    )
    theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="#131316",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="#1b1b1f",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="#232328",
        border_color_primary="*neutral_200",
        border_color_primary_dark="#34343b",
        border_color_accent="*primary_700",
        border_color_accent_dark="*primary_400",
        color_accent="*primary_700",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="#14302d",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_300",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
        form_gap_width="0px",
        input_background_fill="white",
        input_background_fill_dark="#1b1b1f",
        input_border_color="*neutral_300",
        input_border_color_dark="#45454d",
        input_border_width="1px",
        input_border_color_focus="*primary_700",
        input_border_color_focus_dark="*primary_400",
        input_shadow="none",
        input_shadow_focus="0 0 0 1px *primary_700",
        input_shadow_focus_dark="0 0 0 1px *primary_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        slider_color="*primary_700",
        slider_color_dark="*primary_400",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_600",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        button_transition="background-color 120ms",
        button_large_text_weight="600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_400",
        button_primary_background_fill_hover_dark="*primary_300",
        button_primary_text_color_dark="#042f2e",
        button_secondary_background_fill="*neutral_200",
        button_secondary_background_fill_hover="*neutral_300",
        button_secondary_text_color="*neutral_900",
        button_secondary_background_fill_dark="#2d2d33",
        button_secondary_background_fill_hover_dark="#3a3a42",
        button_secondary_text_color_dark="*neutral_100",
    )
    theme.custom_css = packaged("theme.css")
    return theme
