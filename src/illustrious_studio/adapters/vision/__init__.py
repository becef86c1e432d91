"""Vision models: one in Ollama, and the built-in analyzer."""
