"""The page on 7860 during the seconds in which Gradio is imported: it says so, and becomes the studio by itself."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

STARTING = "x-studio-starting"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Illustrious AI Studio</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center;
         font: 16px/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
  main { max-width: 28rem; padding: 24px; }
  h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 8px; }
  p { margin: 0 0 16px; }
  progress { width: 100%; accent-color: #0f766e; }
</style>
</head>
<body>
<main>
  <h1>Illustrious AI Studio</h1>
  <p role="status">The pages are being loaded. This takes a few seconds; the API answers already.</p>
  <progress aria-label="Loading"></progress>
</main>
<script>
  async function poll() {
    try {
      const answer = await fetch("/", { method: "HEAD", cache: "no-store" });
      if (!answer.headers.has("x-studio-starting")) { location.reload(); return; }
    } catch (error) { /* the studio restarts: ask again */ }
    setTimeout(poll, 500);
  }
  setTimeout(poll, 500);
</script>
</body>
</html>
"""


BROKEN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Illustrious AI Studio</title>
<p>The pages could not be built. The log (logs/studio.log in the data folder) says why; the API works all the same.
Start <code>python app.py</code> again once that is mended.</p></html>
"""


async def broken_page(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI app: what stands there when Gradio could not be started."""
    if scope["type"] == "http":
        await HTMLResponse(BROKEN, status_code=500, headers={"cache-control": "no-store"})(scope, receive, send)


async def starting_page(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI app. Everything but the page itself is asked to come again."""
    if scope["type"] != "http":
        return
    request = Request(scope)
    headers = {STARTING: "1", "cache-control": "no-store", "retry-after": "2"}
    response: Response
    if request.method in ("GET", "HEAD") and scope["path"] == "/":
        response = HTMLResponse(PAGE, headers=headers)
    else:
        response = PlainTextResponse("The pages are still being loaded.", status_code=503, headers=headers)
    await response(scope, receive, send)
