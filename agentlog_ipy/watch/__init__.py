"""What `namespace` looks at around a cell: names, what code can reach, files, settings; and the state that is kept of each name."""
