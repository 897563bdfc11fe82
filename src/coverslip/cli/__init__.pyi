from .command_line import app, main

__all__ = ["app", "main"]
