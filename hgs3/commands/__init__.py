"""What an operator can do by hand: the actions of ``hg s3cache``."""
