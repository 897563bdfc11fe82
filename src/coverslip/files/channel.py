"""a channel's number or name → its number."""

from coverslip.errors import FileError
from coverslip.files.record import ImageFile


def channel_number(file: ImageFile, channel: int | str) -> int:
    """Find a channel of a file.

    Args:
        file: From `open_image`.
        channel: Its number, from 0, also as text, or its name in any case. Text that is a number
            of one of the channels is taken for that, all else for a name.

    Raises:
        FileError: No such channel; the message lists those that there are.
    """
    text = str(channel).strip()
    if text.isdecimal() and int(text) < file.n_channels:
        return int(text)
    wanted = text.casefold()
    found = [n for n, name in enumerate(file.channel_names) if name.strip().casefold() == wanted]
    if len(found) == 1:
        return found[0]
    raise FileError(f"{file.path}: {_reason(text, file, found)}")


def _reason(text: str, file: ImageFile, found: list[int]) -> str:
    count = file.n_channels
    if found:
        numbers = ", ".join(map(str, found))
        return f"several channels are called {text}: name one by its number, {numbers}."
    if file.channel_names:
        names = ", ".join(f"{n} {name}" for n, name in enumerate(file.channel_names))
        return f"no channel {text}; it has {count}, counted from 0: {names}."
    return (
        f"no channel {text}; it has {count}, counted from 0, without names. Name one by its number."
    )
