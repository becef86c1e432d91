"""The studio for programs that speak OpenAI's API: the same services in its words, below /v1."""
