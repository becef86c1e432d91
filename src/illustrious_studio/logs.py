"""Logs: one line an event, on the terminal and in a file that cannot grow for ever. Libraries' lines look the same."""

import logging
import logging.handlers
import sys
from contextlib import suppress
from pathlib import Path

import structlog
from structlog.typing import EventDict, WrappedLogger

PROMPT_KEYS = ("prompt", "negative_prompt", "message", "words")


def configure_logs(level: str, *, as_json: bool, prompts: bool, folder: Path | None) -> None:
    """Send structlog's and the standard library's lines to stderr and to `folder`/studio.log."""

    def without_prompts(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if not prompts:
            for key in PROMPT_KEYS:
                event.pop(key, None)
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        without_prompts,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

    def formatter(renderer: structlog.typing.Processor) -> logging.Formatter:
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )

    in_json = structlog.processors.JSONRenderer()
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(
        formatter(in_json if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0))
    )
    handlers: list[logging.Handler] = [terminal]
    if folder is not None:
        with suppress(OSError):  # the terminal has the lines; who opens the data folder next says what is wrong there
            folder.mkdir(parents=True, exist_ok=True)
            file = logging.handlers.RotatingFileHandler(
                folder / "studio.log", maxBytes=5_000_000, backupCount=2, encoding="utf-8"
            )
            file.setFormatter(formatter(in_json))
            handlers.append(file)
    logging.raiseExceptions = False  # a full disk must not turn log lines into errors
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn.access", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
