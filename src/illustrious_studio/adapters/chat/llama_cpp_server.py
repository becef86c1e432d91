"""The child process of the embedded language model: llama.cpp's own server, on a free loopback port.

Run as a script by `llama.py`. Its orders come as one JSON line on standard input (the key among them, so that it stands
on no command line); it answers one JSON line with its address, or with what went wrong. It ends when its standard input
closes, which the system does when the studio ends, however that ends.
"""

import json
import os
import signal
import sys

REPEAT_PENALTY = 1.1
"""Without it, models this small fall into repeating themselves."""

PROMPT_CACHE_MIB = 64
"""For going back to a chat without reading it again. llama.cpp's own cap is 8 GiB; a full context takes 45 MiB here."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the studio ends this process itself
    order = json.loads(sys.stdin.readline())
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = order["model"]
    params.model_alias = {order["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [order["key"]]
    params.n_ctx = order["context"]
    params.n_parallel = 1
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.cpuparams.n_threads = order["threads"]
    params.cpuparams_batch.n_threads = order["threads"]
    params.n_threads_http = 2
    params.warmup = False
    params.sampling.penalty_repeat = REPEAT_PENALTY
    params.fit_params = False  # it measures memory by loading the model twice
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = 0
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.stdout.flush()
        return
    sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # at once: nothing here needs tidying, and llama.cpp would finish its answer first


if __name__ == "__main__":
    main()
