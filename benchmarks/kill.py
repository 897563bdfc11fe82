"""Kill coverslip at random moments, many times, and count what is lost: nothing should be.

python benchmarks/kill.py --rounds 200

Four kinds of work, a folder of images, a film, a slide from Zarr to Zarr and a training, each done
once undisturbed, and once by processes that are ended one after the other, in turn by SIGKILL
before a random change of a file, by the system in the middle of a write, by SIGTERM, by Ctrl-C, and
by SIGKILL from outside at a random time. Then one is let through. Linux only.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd

from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from killed import ASKED, WAYS, Order, Story, contents, differing, make_orders, run_killed

STEPS = 3
# Network passes that a kill may cost: an image, a frame, a tile, an epoch with its validation.
LOST = {"images": 1, "film": 1, "slide": 1, "training": STEPS + 1}


def main() -> None:
    """Kill, compare, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # So much work that about so many starts come to their end before it does.
    sizes = {
        "images": options.rounds // 2,
        "film": options.rounds,
        "slide": options.rounds // 2,
        "training": options.rounds // 4,
    }
    with tempfile.TemporaryDirectory() as folder:
        orders = make_orders(
            Path(folder),
            images=sizes["images"],
            frames=sizes["film"],
            regions=sizes["slide"],
            epochs=sizes["training"],
            steps=STEPS,
            rounds=options.rounds,
        )
        orders = {
            name: replace(order, seed=order.seed + options.seed, reach=0.1)
            for name, order in orders.items()
        }
        stories = run_killed(list(orders.values()))
        rows = [
            {"work": name, **summary(LOST[name], order, story)}
            for (name, order), story in zip(orders.items(), stories, strict=True)
        ]
    print(table_to_markdown(pd.DataFrame(rows), digits=1))
    print(f"{sum(len(story.kills) for story in stories)} starts were ended")
    print(provenance())
    sys.exit(1 if any(row["files that differ"] for row in rows) else 0)


def summary(lost: int, order: Order, story: Story) -> dict[str, object]:
    """What the table says of one kind of work."""
    ways = Counter(kill.partition(":")[0] for kill in story.kills)
    needed = len(order.passes("whole").read_bytes())
    done = len(order.passes("killed").read_bytes())
    return {
        "starts that were ended": len(story.kills),
        "by": ", ".join(f"{way} {ways[way]}" for way in WAYS if ways[way]),
        "status of the last": story.status,
        "files": len(contents(order.out("killed"))),
        "files that differ": len(differing(order)),
        "network passes needed": needed,
        "done twice": done - needed,
        "at most": len(story.kills) * lost,
        f"slowest answer to {' or '.join(ASKED)} (s)": story.slowest_s,
        "undisturbed (s)": story.whole_s,
        "all starts (s)": story.killed_s,
    }


if __name__ == "__main__":
    main()
