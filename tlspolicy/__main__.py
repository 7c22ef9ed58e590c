"""`python -m tlspolicy`, and the command `tlspolicy`."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> int:
    """Run the command line that the program was started with.

    Returns:
        The exit status: 2 where something is unusable, 130 after Ctrl-C, 141 where nobody reads the output any more;
        otherwise what the command says in its `--help`.
    """
    try:
        from tlspolicy.cli.main import run  # noqa: PLC0415  (it needs an extra, and may be missing)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "tlspolicy":
            raise
        message = f"the command line needs {missing}, which is not installed: pip install 'tlspolicy[cli]'"
        print(f"tlspolicy: {message}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
