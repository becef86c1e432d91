"""Other people's programs: what to paste into each so that it uses the studio, and its calls, replayed as a test."""
