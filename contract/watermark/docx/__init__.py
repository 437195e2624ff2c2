"""Contracts as DOCX (ECMA-376, WordprocessingML): read with distrust, marked character by character.

``package`` opens the zip file, ``parts`` its XML, ``refusals`` says what is no contract, ``styles`` how a character
looks, ``text`` what the document says, and ``document`` puts it together.
"""
