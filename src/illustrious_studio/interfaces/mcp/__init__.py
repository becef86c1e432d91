"""The studio for MCP hosts (Claude Desktop, editors, agents): tools, resources and prompts over the same services."""
