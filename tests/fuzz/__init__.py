"""small good files → thousands of damaged ones → what the readers make of them.

`python -m fuzz -n 10000` in the folder `tests`; see CONTRIBUTING.md.
"""
