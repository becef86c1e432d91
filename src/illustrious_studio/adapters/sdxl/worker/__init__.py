"""The worker process: everything that needs torch. Only `main` is started; nothing outside imports from here."""
