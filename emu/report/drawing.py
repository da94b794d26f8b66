"""A few SVG elements: what the hand-drawn figures are made of."""

from __future__ import annotations

from html import escape

from emu.report.style import PALETTE

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


class Drawing:
    """An SVG picture of a fixed width that grows downwards."""

    def __init__(self, width: float, title: str) -> None:
        self.width = width
        self.height = 0.0
        self._title = title
        self._parts: list[str] = []

    def _reach(self, y: float) -> None:
        self.height = max(self.height, y)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: str, *,
        width: float = 1.0, dash: str = "",
    ) -> None:  # fmt: skip
        """A straight line."""
        pattern = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width:g}"{pattern}/>'
        )
        self._reach(max(y1, y2))

    def arrow(self, x1: float, x2: float, y: float, colour: str) -> None:
        """A horizontal arrow."""
        way = 1 if x2 > x1 else -1
        self.line(x1, y, x2 - way * 6, y, colour, width=1.5)
        self.polygon([(x2, y), (x2 - way * 8, y - 4), (x2 - way * 8, y + 4)], colour)

    def polygon(self, points: list[tuple[float, float]], colour: str) -> None:
        """A filled polygon."""
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polygon points="{corners}" fill="{colour}"/>')

    def dot(self, x: float, y: float, colour: str) -> None:
        """A small disc."""
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')

    def cross(self, x: float, y: float, colour: str) -> None:
        """A small cross: something got lost here."""
        self.line(x - 4, y - 4, x + 4, y + 4, colour, width=1.8)
        self.line(x - 4, y + 4, x + 4, y - 4, colour, width=1.8)

    def box(
        self, x: float, y: float, width: float, height: float, *,
        fill: str, stroke: str = "none", radius: float = 0.0, dash: str = "",
    ) -> None:  # fmt: skip
        """A rectangle."""
        pattern = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'rx="{radius:g}" fill="{fill}" stroke="{stroke}"{pattern}/>'
        )
        self._reach(y + height)

    def path(self, data: str, colour: str, *, dash: str = "") -> None:
        """A stroked path."""
        pattern = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="1.6"{pattern}/>'
        )

    def text(
        self, x: float, y: float, words: str, *, size: float = 12, colour: str = PALETTE["ink"],
        anchor: str = "start", bold: bool = False, halo: bool = False,
    ) -> None:  # fmt: skip
        """Words; with ``halo`` they stay readable on lines."""
        look = f'font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"'
        if bold:
            look += ' font-weight="600"'
        if halo:
            look += (
                f' stroke="{PALETTE["page"]}" stroke-width="4" stroke-linejoin="round"'
                ' paint-order="stroke"'
            )
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>')
        self._reach(y + size / 3)

    def svg(self, margin: float = 6) -> str:
        """The finished picture."""
        height = self.height + margin
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {height:.0f}" '
            f'width="{self.width:g}" height="{height:.0f}" font-family="{FONT}" role="img">'
            f"<title>{escape(self._title)}</title>{''.join(self._parts)}</svg>\n"
        )
