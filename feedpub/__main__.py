"""`python -m feedpub`: the same as the command `feedpub`."""

from feedpub.cli import main

if __name__ == "__main__":
    main()
