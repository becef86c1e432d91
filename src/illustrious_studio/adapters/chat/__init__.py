"""Language models: Ollama, servers that speak OpenAI's API, and llama.cpp inside the studio."""
