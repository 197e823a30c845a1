"""Rules that name the cell at fault, by what was observed: of the code, of what the names hold, of tables and sizes."""
