"""Ask this container's site whether it answers; exit status 1 when it does not.

The request names a host the site accepts: ALLOWED_HOSTS usually leaves out 127.0.0.1.
"""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask /healthz."""
    host = (os.environ.get("ALLOWED_HOSTS") or "localhost").split(",")[0].strip().lstrip(".*") or "localhost"
    port = os.environ.get("PORT") or "8000"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=4) as response:
            return 0 if response.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
