"""Requests per second of coverslip serve, how long they take, and whether memory stays flat.

python benchmarks/serve.py [--requests 1000] [--clients 4] [--model nuclei] [--side 128]

It starts a service of its own, sends it parts of an example image, and watches the process.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

IMAGE = Path(__file__).parents[1] / "examples" / "nuclei" / "fluorescence_small.png"


def main() -> None:
    """Start a service, load it, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--side", type=int, default=128)
    options = parser.parse_args()
    token = "t" * 32
    command = [sys.executable, "-m", "coverslip.cli", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--model", options.model],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COVERSLIP_TOKEN": token},
    )
    try:
        found = re.search(r"(http://[^/]+)/docs", process.stdout.readline())
        run(found[1], token, options, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def run(address: str, token: str, options: argparse.Namespace, process: psutil.Process) -> None:
    """Send the requests by several clients, and print what came of it."""
    image = Image.open(IMAGE).convert("L").crop((0, 0, options.side, options.side))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    url = f"{address}/segment?model={options.model}&as=csv&cell_size=28"
    left, seconds, memory, lock = [options.requests], [], [], threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            request = urllib.request.Request(url, data=buffer.getvalue())
            request.add_header("Authorization", f"Bearer {token}")
            begin = time.perf_counter()
            with urllib.request.urlopen(request, timeout=600) as answer:
                answer.read()
            with lock:
                seconds.append(time.perf_counter() - begin)
                memory.append(process.memory_info().rss / 2**20)

    begin = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(options.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begin
    tenth = max(1, len(memory) // 10)
    side, n = options.side, len(seconds)
    print(f"{n} requests of {side} × {side} px, {options.clients} clients")
    print(f"{len(seconds) / spent:.1f} requests a second")
    print("median {:.0f} ms, p95 {:.0f} ms".format(*(1e3 * np.percentile(seconds, (50, 95)))))
    user = process.cpu_times().user
    print(f"{1e3 * user / len(seconds):.0f} ms of CPU a request, the start included")
    early, late = memory[tenth : 2 * tenth], memory[-tenth:]
    print(f"memory {np.mean(early):.0f} MB early, {np.mean(late):.0f} MB late")


if __name__ == "__main__":
    main()
