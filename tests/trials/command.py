"""What the commands of trials have alike."""

from __future__ import annotations

import argparse
import random

SITE = "http://127.0.0.1:8774"


def make_parser(
    name: str, about: str | None, *, ours: str = SITE, count: int = 3000, shown: int = 40
) -> argparse.ArgumentParser:
    """With the options that each of them has, and these defaults."""
    parser = argparse.ArgumentParser(f"python -m tests.trials.{name}", description=about)
    parser.add_argument("--ours", default=ours)
    parser.add_argument("--our-password", default="admin", help="of the user admin")
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=shown)
    parser.add_argument("--samples", type=int, default=0, help="of each known reason, at random")
    return parser


def make_salt() -> str:
    """What makes the names of things of one trial differ from those of others."""
    return f"{random.getrandbits(40):010x}"
