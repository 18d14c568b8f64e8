"""All benchmarks, one JSON object a line: `make bench` (or `python -m bench chats`)."""

import subprocess
import sys

PARTS = ("start", "chats", "frames", "engine", "ingest", "search", "lists", "memory", "rollback", "faults")


def main() -> int:
    """Run the parts named, or all; each in a process of its own."""
    parts = sys.argv[1:] or list(PARTS)
    return max(
        subprocess.run([sys.executable, "-m", f"bench.{part}"], check=False).returncode for part in parts
    )


if __name__ == "__main__":
    sys.exit(main())
