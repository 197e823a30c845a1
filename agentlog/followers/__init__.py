"""Other places that recordings can be kept in, each following the journal from where it was."""
