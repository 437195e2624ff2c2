"""The tables of identity, each sort of rows beside the functions that read and write it."""
