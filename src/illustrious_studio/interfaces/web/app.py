"""The page on port 7860: its tabs put together, and the ASGI app that serves it with its pictures."""

import sys
from typing import Any

from fastapi import FastAPI
from starlette.routing import Mount

from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.interfaces.web.gradio_gate import GradioGate
from illustrious_studio.interfaces.web.page import Page, html
from illustrious_studio.interfaces.web.pages.analyze import AnalyzeTab
from illustrious_studio.interfaces.web.pages.chat import ChatTab
from illustrious_studio.interfaces.web.pages.connect import ConnectTab
from illustrious_studio.interfaces.web.pages.create import CreateTab
from illustrious_studio.interfaces.web.pages.gallery import GalleryTab
from illustrious_studio.interfaces.web.pages.system import SystemTab
from illustrious_studio.interfaces.web.routes import add_routes
from illustrious_studio.interfaces.web.theme import studio_theme
from illustrious_studio.services.studio import Studio

HEADER = """<header class="studio"><h1>Illustrious AI Studio</h1><div class="chips" data-live="header"></div></header>
<p class="away-words" role="alert" hidden>The studio does not answer. It may have been stopped; start it again and this
page goes on.</p>"""
ZOOM = (
    '<dialog id="zoom" aria-label="Full size"><button type="button" class="act" name="close" value="">Close</button>'
    '<img src="data:," alt=""></dialog>'
)
CUTOUT = """<dialog id="cutout" aria-label="Picture without its background">
<div class="viewer-bar"><a class="act" href="data:," hidden>Download PNG</a>
<button type="button" class="act" name="close" value="">Close</button></div>
<p class="quiet" role="status"></p>
<img src="data:," alt="The picture without its background" hidden></dialog>"""


def create_gradio_app(studio: Studio, access: Access) -> Any:
    """The page, as Gradio Blocks. Importing Gradio takes seconds: call it off the event loop."""
    import gradio as gr

    with gr.Blocks(
        title="Illustrious AI Studio", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)
    ) as blocks:
        html(HEADER, elem_id="studio-header")
        page = Page()
        with gr.Tabs(elem_id="tabs", selected="create") as page.tabs:
            with gr.Tab("Create", id="create", elem_id="tab-create", render_children=True):
                create = CreateTab(studio, page)
            with gr.Tab("Chat", id="chat", elem_id="tab-chat", render_children=True):
                chat = ChatTab(studio, page)
            with gr.Tab("Analyze", id="analyze", elem_id="tab-analyze", render_children=True):
                analyze = AnalyzeTab(studio, page)
            with gr.Tab("Gallery", id="gallery", elem_id="tab-gallery", render_children=True):
                gallery = GalleryTab(studio, page)
            with gr.Tab("Connect", id="connect", elem_id="tab-connect", render_children=True) as opened:
                connect = ConnectTab(studio, access)
            with gr.Tab("System", id="system", elem_id="tab-system", render_children=True):
                system = SystemTab(studio, page, create.form)
        html(ZOOM)
        html(CUTOUT)
        page.attach(blocks)
        create.attach(blocks)
        chat.attach(blocks)
        analyze.attach(create.form)
        gallery.attach()
        connect.attach(blocks, opened)
        system.attach(blocks)
    blocks.queue(default_concurrency_limit=None, api_open=False)
    # Gradio sums up statistics over its last 10,000 events, with pandas, after each event. Nobody reads them here.
    blocks._queue.ANALYTICS_MAX_EVENTS = 1
    blocks._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    # It looks for events a thousand times a second, which takes a studio that nobody uses some hundredths of a core.
    # Twelve times a second is seldom enough to cost a third of a hundredth, and a press waits 40 ms more on average.
    # For progress, of which nobody here tells it, it looks once a second.
    blocks._queue.sleep_when_free = 0.08
    blocks._queue.progress_update_sleep_when_free = 1
    return blocks


def create_web_app(studio: Studio, access: Access) -> FastAPI:
    """The whole of port 7860: pictures, state, and the page. Run its lifespan."""
    import gradio as gr

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_routes(app, studio)
    blocks = create_gradio_app(studio, access)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=studio_theme(),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size="25mb",
    )
    mounted = app.routes[-1]
    assert isinstance(mounted, Mount)
    mounted.app = GradioGate(mounted.app, blocks.fns, blocks._queue.pending_messages_per_session)
    return app
