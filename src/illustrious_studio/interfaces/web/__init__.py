"""The web UI on 7860. `app.create_web_app` builds it; importing this package imports no Gradio."""
