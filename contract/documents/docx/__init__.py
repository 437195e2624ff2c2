"""Drafts as DOCX: read within the rules of ``contract.watermark.docx``, and written from drafts in other formats."""
