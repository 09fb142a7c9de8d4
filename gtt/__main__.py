"""`python -m gtt`, also as `accelerate launch -m gtt`."""

from gtt.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
