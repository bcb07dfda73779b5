"""The log of pushes: who pushed what, and when."""
