"""the OpenAPI schema of an application → a page that lists it, without scripts from anywhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}code{font-family:ui-monospace,monospace}section{margin:1.5rem 0}"
    "h2{font-size:1.1rem;margin:0}dt{font-family:ui-monospace,monospace}dd{margin:0 0 .3rem 1.5rem}"
)


def docs_page(app: FastAPI) -> str:
    """The page."""
    schema = app.openapi()
    sections = [
        section(method, path, entry)
        for path, methods in schema["paths"].items()
        for method, entry in methods.items()
    ]
    title = escape(f"{schema['info']['title']} {schema['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>"
        "<p>Every request needs the header <code>Authorization: Bearer TOKEN</code>. "
        '<a href="/openapi.json">The same as OpenAPI</a>, for programs.</p>'
        f"{''.join(sections)}</html>"
    )


def section(method: str, path: str, entry: dict[str, Any]) -> str:
    """What is said of one address."""
    rows = "".join(
        f"<dt>{escape(one['name'])} <small>({escape(one['in'])})</small></dt>"
        f"<dd>{escape(one.get('description', '') or kind_of(one['schema']))}</dd>"
        for one in entry.get("parameters", [])
    )
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(entry.get('description', ''))}</p><dl>{rows}</dl></section>"
    )


def kind_of(schema: dict[str, Any]) -> str:
    """What a parameter may be, in a few words."""
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    return str(schema.get("type", ""))
