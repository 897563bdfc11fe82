"""a file of settings (TOML) ↔ the options of a verb; what was asked for → one command line.

Configuration: a section for each verb, and in it each option by its name. The command line wins.
"""

from __future__ import annotations

import difflib
import json
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from coverslip.errors import FileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUFFIX = ".toml"
HEAD = "# Settings of coverslip: a section for each verb. Use: coverslip VERB --config THIS_FILE\n"


@dataclass(frozen=True)
class FromFile:
    """What a file of settings said.

    Attributes:
        path: of the file.
        values: of parameters, by their names in Python.
    """

    path: Path
    values: Mapping[str, Any]


def preset_folder() -> Path:
    """Where the presets of this user lie."""
    return Path(typer.get_app_dir("coverslip"))


def find_config(name: str) -> Path:
    """The file that is meant: a path, or the name of a preset of this user.

    Raises:
        FileError: there is none.
    """
    path = Path(name)
    if path.is_file():
        return path
    folder = preset_folder()
    if path.parent == Path() and path.suffix in ("", SUFFIX):
        preset = folder / f"{path.stem}{SUFFIX}"
        if preset.is_file():
            return preset
    known = sorted(file.stem for file in folder.glob(f"*{SUFFIX}"))
    presets = f"the presets in {folder} are {', '.join(known)}" if known else f"none is in {folder}"
    near = difflib.get_close_matches(path.stem, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else " Check its name; --save-config writes one."
    raise FileError(f"--config {name}: no such file, and no preset ({presets}).{hint}")


def place_for(name: str) -> Path:
    """Where settings are saved under a name: a bare word is a preset's."""
    path = Path(name)
    if path.suffix or path.parent != Path() or "/" in name:
        return path
    return preset_folder() / f"{name}{SUFFIX}"


def read_config(name: str, ctx: Any, *, verbs: Iterable[str]) -> FromFile:
    """Read the section of a verb, and check each of its values as the command line's are.

    Args:
        name: a path or a preset.
        ctx: of the verb.
        verbs: all of them; a section of another one is let alone.

    Raises:
        FileError: no such file, or no TOML.
        SettingsError: an unknown section or option (the nearest is named), or a value that cannot
            be.
    """
    path = find_config(name)
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(
            f"{path}: cannot be read as a file of settings ({error}). It is TOML: a section such "
            f"as [{ctx.info_name}], and in it lines such as threshold = 0.4."
        ) from error
    verbs = list(verbs)
    for key, value in contents.items():
        if not isinstance(value, dict):
            raise SettingsError(
                f"{path}: {key} is outside of any section. Put a line [{ctx.info_name}] above it."
            )
        if key not in verbs:
            raise SettingsError(f"{path}: [{key}] is no verb.{did_you_mean(key, verbs)}")
    if ctx.info_name not in contents:
        have = ", ".join(f"[{key}]" for key in contents) or "nothing"
        raise SettingsError(
            f"{path}: has no section [{ctx.info_name}], but {have}. Add it, or leave --config out."
        )
    section = contents[ctx.info_name]
    return FromFile(path, check_section(section, path=path, ctx=ctx))


def check_section(section: Mapping[str, Any], *, path: Path, ctx: Any) -> dict[str, Any]:
    """The values by the names of the verb's parameters.

    Raises:
        SettingsError: an unknown option, one that is named twice, or a value that cannot be.
    """
    names = {name: one for one in settable(ctx) for name in names_of(one)}
    values: dict[str, Any] = {}
    for key, value in section.items():
        where = f"{path}: [{ctx.info_name}] {key}"
        parameter = names.get(key.replace("_", "-"))
        if parameter is None:
            hint = did_you_mean(key.replace("_", "-"), list(names))
            raise SettingsError(f"{where}: no such option of {ctx.info_name}.{hint}")
        if parameter.name in values:
            raise SettingsError(f"{where}: is there twice, by two of its names. Keep one.")
        values[parameter.name] = check_value(value, parameter, where=where, ctx=ctx)
    return values


def check_value(value: Any, parameter: Any, *, where: str, ctx: Any) -> Any:
    """A value as the command line would take it.

    Raises:
        SettingsError: of another kind, or out of range.
    """
    said = f"{where} = {write_value(value)}"
    if is_flag(parameter):
        if not isinstance(value, bool):
            raise SettingsError(f"{said}: wanted true or false.")
        return value
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in parts):
        raise SettingsError(f"{said}: wanted a text or a number.")
    if is_list(parameter):
        found: Any = list(map(str, parts))
    elif isinstance(value, list):
        raise SettingsError(f"{said}: wanted one value, not a list.")
    else:
        found = str(value)
    try:
        parameter.process_value(ctx, found)
    except Exception as error:
        if not hasattr(error, "message"):
            raise
        raise SettingsError(f"{said}: {error.message}") from error
    return found


def did_you_mean(word: str, known: list[str]) -> str:
    """The nearest of the known words, or all of them."""
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" Wanted one of {', '.join(known)}."


def settable(ctx: Any) -> list[Any]:
    """The parameters that a file may hold: the verb's own, without those that all verbs have."""
    from coverslip.cli.shared import SHARED

    shared = {*SHARED, "help"}
    return [one for one in ctx.command.params if one.name not in shared]


def names_of(parameter: Any) -> list[str]:
    """What an option is called in a file: as on the command line, without dashes."""
    if parameter.param_type_name == "argument":
        return [parameter.name.replace("_", "-")]
    return [name.removeprefix("--") for name in parameter.opts if name.startswith("--")]


def is_flag(parameter: Any) -> bool:
    """Whether it takes no value on the command line."""
    return bool(getattr(parameter, "is_flag", False))


def is_list(parameter: Any) -> bool:
    """Whether it takes several values."""
    return bool(getattr(parameter, "multiple", False)) or parameter.nargs != 1


def write_section(ctx: Any) -> str:
    """All that a verb goes by, as a section of TOML; what has no value is left out."""
    lines = [f"[{ctx.info_name}]"]
    for parameter in settable(ctx):
        value = ctx.params.get(parameter.name)
        if value is not None and value not in ([], ()):
            lines.append(f"{names_of(parameter)[0]} = {write_value(value)}")
    return "\n".join(lines) + "\n"


def write_value(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def save_config(name: str, ctx: Any) -> Path:
    """Write the section of a verb into a file of settings; sections of other verbs stay.

    Raises:
        FileError: the file cannot be read or written.
        SettingsError: it has other settings of this verb already.
    """
    from coverslip.io.atomic import write_text

    path, section = place_for(name), write_section(ctx)
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else HEAD
        known = tomllib.loads(before)
        wanted = tomllib.loads(section)
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(
            f"--save-config {path}: what is there is no file of settings, or a value cannot be "
            f"written ({error}). Choose another name."
        ) from error
    verb = ctx.info_name
    if verb not in known:
        write_text(path, f"{before.rstrip()}\n\n{section}")
    elif known[verb] != wanted[verb]:
        raise SettingsError(
            f"--save-config {path}: it has a section [{verb}] with other settings, which is left "
            "as it is. Choose another name, or delete that section."
        )
    return path


def spell_command(ctx: Any) -> str:
    """The command line with all that is not the default, whether it was typed or read."""
    words: list[str] = []
    for parameter in settable(ctx):
        value = ctx.params.get(parameter.name)
        parts = list(value) if isinstance(value, list | tuple) else [value]
        if parameter.param_type_name == "argument":
            words += [str(one) for one in parts if one is not None]
        elif is_flag(parameter):
            words += [long_name(parameter)] if value else []
        elif value != parameter.default and value is not None:
            words += [word for one in parts for word in (long_name(parameter), str(one))]
    return shlex.join(["coverslip", ctx.info_name, *words])


def long_name(parameter: Any) -> str:
    """The first of an option's names that is a word."""
    return f"--{names_of(parameter)[0]}"


def config_message(found: FromFile, ctx: Any) -> str:
    """What a file of settings said, and what the command line says otherwise."""
    typed = {name for name in found.values if ctx.get_parameter_source(name).name == "COMMANDLINE"}
    names = {one.name: names_of(one)[0] for one in settable(ctx)}
    usual = {one.name: one.default for one in settable(ctx)}
    used = [
        f"{names[name]} = {write_value(ctx.params[name])}"
        for name in found.values
        if name not in typed and ctx.params[name] != usual[name]
    ]
    text = f"{found.path}: {', '.join(used) or 'nothing but defaults'}"
    over = ", ".join(names[name] for name in found.values if name in typed)
    return f"{text}; the command line says otherwise of {over}" if over else text
