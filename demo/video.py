"""A video fragment as a camera would leave it: uncompressed YUV4MPEG2, which players such as mpv and VLC show.

A bar moves over a grey gradient, one step a frame. It is made here so that nobody has to download one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 480
FRAMES_PER_SECOND: Final = 25
_BAR: Final = 24
_BLACK, _GREY, _WHITE = 16, 128, 235  # of the range that video uses (ITU-R BT.601)


def write_video(path: Path, seconds: float) -> None:
    """Write a fragment of that length: some 11 MiB a second."""
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n"
    gradient = bytes(_BLACK + (_WHITE - _BLACK) * column // WIDTH for column in range(WIDTH))
    colours = bytes([_GREY]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as file:
        file.write(header.encode())
        for frame in range(round(seconds * FRAMES_PER_SECOND)):
            place = frame * 4 % (WIDTH - _BAR)
            row = gradient[:place] + bytes([_WHITE]) * _BAR + gradient[place + _BAR :]
            file.write(b"FRAME\n" + row * HEIGHT + colours)
