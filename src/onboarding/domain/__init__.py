"""Business rules and definitions. Pure: no AWS, no database, no input or output."""
