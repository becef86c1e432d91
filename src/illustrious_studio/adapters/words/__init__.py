"""The packaged words of other languages, and the packaged model of what words mean."""
