"""Markdown to HTML for what models and people wrote: no HTML of theirs, no pictures from elsewhere, code with Copy."""

from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


class _Renderer(RendererHTML):
    """Links open beside the studio; code blocks can be copied."""

    def link_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        tokens[index].attrSet("target", "_blank")
        tokens[index].attrSet("rel", "noopener noreferrer")
        return self.renderToken(tokens, index, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        language = escape(token.info.split(maxsplit=1)[0]) if token.info.strip() else "Code"
        return (
            f'<div class="code"><div class="code-bar"><span>{language}</span>'
            '<button type="button" class="plain" name="copy_code">Copy</button></div>'
            f"<pre tabindex='0'><code>{escape(token.content)}</code></pre></div>"
        )

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.fence(tokens, idx, options, env)


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """Whether an address is one for a browser. `<lora:name:1>` looks like one in brackets, and is words."""
        scheme, mark, _ = url.partition(":")
        return not mark or "/" in scheme or scheme.lower() in ("http", "https", "mailto")


_READER = (
    _Reader("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
    .enable(["table", "strikethrough"])
    .disable("image")
)


def markdown(text: str) -> str:
    """The text as HTML."""
    return str(_READER.render(text))
