"""How fast and how big it is: `make bench` prints figures beside references taken in the same run."""
