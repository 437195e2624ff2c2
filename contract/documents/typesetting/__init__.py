"""Sets a draft as PDF: faces, lines, tables, pages, in this order of what stands on what."""
