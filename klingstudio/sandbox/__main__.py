"""`python -m klingstudio.sandbox`."""

from __future__ import annotations

import sys

from klingstudio.sandbox.server import serve

if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:]))
