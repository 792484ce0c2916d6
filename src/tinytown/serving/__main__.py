"""`python -m tinytown.serving`: townhall, where its command is not on the path."""

from tinytown.serving.main import main

if __name__ == "__main__":
    main()
