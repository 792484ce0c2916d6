"""Use cases: all that a person or a program can see and do. The faces call nothing else."""
