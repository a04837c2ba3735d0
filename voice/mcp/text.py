"""What MCP servers answer, and why they do not, as text. Imported by `voice.mcp.server` alone."""

from __future__ import annotations

import json
import re

import anyio
import httpx2
from mcp import MCPError
from mcp.types import CONNECTION_CLOSED, CallToolResult, ContentBlock

SESSION_GONE = "Session terminated"
"""What the package says when an HTTP server has forgotten our session, as after a restart."""
MAX_REASON = 300
"""Characters of what a server says went wrong."""


def result_text(result: CallToolResult) -> str:
    """Join what is text, and describe what is not; what a program would read only stands in for no text."""
    text = "\n".join(map(_part, result.content))
    if not text and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return text


def _part(block: ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return f"(There is also an {block.type} file, {block.mime_type}, which cannot be shown here.)"
        case "resource_link":
            return f"(There is a file: {block.name}, {block.uri}.)"
        case _:
            resource = block.resource
            return getattr(resource, "text", "") or f"(There is a file, {resource.uri}, which cannot be shown here.)"


def rejected(error: Exception) -> bool:
    """Whether a server was there and did not take what it was sent."""
    return isinstance(_innermost(error), MCPError)


def means_gone(error: Exception) -> bool:
    """Whether a server that was there no longer is."""
    error = _innermost(error)
    if isinstance(error, MCPError):
        return error.code == CONNECTION_CLOSED or error.message == SESSION_GONE
    return isinstance(error, httpx2.TransportError | OSError | anyio.ClosedResourceError | anyio.BrokenResourceError)


def reason(error: Exception) -> str:
    """Why, in a few words, without what an address may keep secret."""
    error = _innermost(error)
    match error:
        case httpx2.HTTPStatusError():
            return f"it answered with HTTP status {error.response.status_code}"
        case MCPError(code=code) if code == CONNECTION_CLOSED:
            return "it closed the connection"
        case OSError() if error.strerror:
            return error.strerror
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return re.sub(r"(\w+://)(?:[^\s/@]*@)?([^\s/?#'\"]*)\S*", r"\1\2", text)[:MAX_REASON]


def _innermost(error: Exception) -> Exception:
    """The one that counts of those that happened together: what a task group raises is a group."""
    while isinstance(inside := getattr(error, "exceptions", None), tuple) and inside:
        error = inside[0]
    return error
