"""The only place with SQL: tables, the engine, and one file of queries an aggregate."""
