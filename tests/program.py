"""The real program in a process of its own, as a person starts it, over a data folder of the test's."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import requests

from waiting import until_there

ROOT = Path(__file__).resolve().parent.parent
LONGEST_START = 120


class Program:
    """`python app.py serve` on free ports. `api` and `web` are its addresses."""

    def __init__(self, data_dir: Path, *options: str, **environment: str) -> None:
        command = [sys.executable, str(ROOT / "app.py"), "serve", "--data-dir", str(data_dir)]
        command += ["--web-port", "0", "--api-port", "0", "--ollama-base-url", "none", *options]
        self._log = (data_dir.parent / f"{data_dir.name}.log").open("ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, text=True, env={**os.environ, **environment}, cwd=ROOT
        )
        self.web = self.api = ""

    def wait_until_it_answers(self) -> None:
        self.web, self.api = self._addresses()

    def _addresses(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            found = re.findall(r"(?:Web UI|API) +(http://\S+)", said)
            if len(found) == 2:
                return found[0], found[1]
        raise AssertionError(f"the studio did not start: {said}\n{self.log()}")

    def log(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text(errors="replace")

    def wait_until(self, what: Callable[[], object], seconds: float = LONGEST_START) -> None:
        """Ask again and again until `what` is true; the log is in the error when it never is."""

        def holds() -> object:
            with contextlib.suppress(requests.ConnectionError):
                if found := what():
                    return found
            assert self.process.poll() is None, f"the studio ended with {self.process.returncode}"
            return None

        try:
            until_there(holds, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def wait_for_models(self, *names: str) -> None:
        self.wait_until(lambda: all(self.get("/status")["models"][name] for name in names))

    def get(self, path: str) -> dict:  # type: ignore[type-arg]
        answer = requests.get(self.api + path, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: object, timeout: float = 120) -> requests.Response:
        return requests.post(self.api + path, json=body, timeout=timeout)

    def family(self) -> list[psutil.Process]:
        """The program and all of its children."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """As a crash would: nothing is tidied up."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            family = self.family()
            self.process.terminate()
            _, alive = psutil.wait_procs(family, timeout=15)
            for one in alive:
                one.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


@contextlib.contextmanager
def running_program(data_dir: Path, *options: str, **environment: str) -> Iterator[Program]:
    data_dir.mkdir(exist_ok=True)
    program = Program(data_dir, *options, **environment)
    try:
        program.wait_until_it_answers()
        yield program
    finally:
        program.close()


def pictures(data_dir: Path) -> list[str]:
    """The pictures of a gallery, by the names of their files."""
    return sorted(file.name for file in (data_dir / "gallery").glob("*.png"))
