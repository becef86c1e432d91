"""How the models that come with the studio were made. Not part of the package; `python -m training.mini --help`."""
