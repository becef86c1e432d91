"""What the studio keeps in a database: SQLAlchemy, on SQLite by default and on PostgreSQL by URL."""
