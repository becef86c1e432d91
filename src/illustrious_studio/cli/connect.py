"""`illustrious connect`: what the Connect tab shows, in the terminal. The test needs a studio that runs."""

from rich.console import Console
from rich.markup import escape

from illustrious_studio.cli.models import models_in_use
from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.interfaces.selftest.client import Client, InUse
from illustrious_studio.interfaces.selftest.runner import CLIENTS, replay_all
from illustrious_studio.serve import access_to
from illustrious_studio.servers import address
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import running_studio


async def connect(settings: Settings, name: str, *, test: bool) -> int:
    """Print the settings of the clients of that name, or the outcomes of the test; 1 when one failed."""
    running = running_studio(settings.data_dir)
    if test:
        if running is None:
            raise Unavailable("No studio is running that could be tested. Start it: python app.py")
        return await _test(settings, running.api)
    url = running.api if running else address(settings.host, settings.api_port)
    in_use = InUse.of(await models_in_use(settings)) if running else InUse()
    for client in _named(name):
        print(f"\n{client.name}: {client.about}")
        for section in client.settings(access_to(settings, url), in_use):
            print(f"\n  {section.place}")
            for paste in section.pastes:
                print(f"    {paste.label}:", end="\n" if paste.code else " ")
                print(paste.text)
            if section.note:
                print(f"    {section.note}")
    return 0


def _named(name: str) -> list[Client]:
    found = [client for client in CLIENTS if name.lower() in client.name.lower()]
    if not found:
        raise InvalidRequest(f"No program is called {name}. There are: {', '.join(one.name for one in CLIENTS)}.")
    return found


async def _test(settings: Settings, url: str) -> int:
    console, failed = Console(), False
    with console.status("Calling the studio as other programs would"):
        async for outcome in replay_all(access_to(settings, url)):
            failed = failed or not outcome.passed
            verdict = "[green]passed[/]" if outcome.passed else "[red]failed[/]"
            console.print(verdict, outcome.name, escape(outcome.failure), soft_wrap=True)
    return int(failed)
