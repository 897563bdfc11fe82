"""the verbs of the command line: options → work, and what is said about it."""
