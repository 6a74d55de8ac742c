"""The database: configuration, start-up, migrations and the data to work on."""
