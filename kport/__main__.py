"""``python -m kport`` is ``kport``."""

from kport.cli import main

if __name__ == "__main__":
    main()
