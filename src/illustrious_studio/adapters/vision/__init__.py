"""What looks at pictures: a vision model in Ollama, and the built-in analyzer."""
