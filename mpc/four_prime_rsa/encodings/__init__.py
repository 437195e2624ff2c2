"""The paddings of RFC 8017, written out: no library pads for a key whose private part nobody has."""
