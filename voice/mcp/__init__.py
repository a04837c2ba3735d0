"""Tools of MCP servers (the package ``mcp``, an optional extra)."""
