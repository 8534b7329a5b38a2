#!/usr/bin/env python3
"""Draws a terminal's text as an SVG: terminal.py TITLE < text > picture.svg

Lines that begin with `$ ` are commands. Colours follow the words of the program's own output.
"""
import html
import re
import sys
import unicodedata

CHARACTER, LINE, MARGIN = 8.4, 19, 18


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def tinted(line):
    """The line as SVG spans: commands, check marks, bars and curves stand out."""
    if line.startswith("$ "):
        return f'<tspan class="prompt">$ </tspan><tspan class="command">{html.escape(line[2:])}</tspan>'
    parts = re.split(r"([━╸─▁▂▃▄▅▆▇█]+|✓|sum .*$|^d[^ ]+/d[^ ]+ = )", line)
    out = []
    for part in parts:
        text = html.escape(part)
        if re.fullmatch(r"[━╸─▁▂▃▄▅▆▇█]+", part):
            text = f'<tspan class="bar">{text}</tspan>'
        elif part == "✓" or part.startswith("sum"):
            text = f'<tspan class="good">{text}</tspan>'
        elif part.startswith("d"):
            text = f'<tspan class="command">{text}</tspan>' if " = " in part else text
        out.append(text)
    return "".join(out)


def main():
    title = sys.argv[1] if len(sys.argv) > 1 else "glassbox"
    lines = sys.stdin.read().rstrip("\n").split("\n")
    width = max(map(columns, lines)) * CHARACTER + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN + 28
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
          f'role="img" aria-label="{html.escape(title)}">')
    print("<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
          "fill:#d7dde8;white-space:pre}.prompt{fill:#7f8da3}.command{fill:#fff;font-weight:bold}"
          ".bar{fill:#5cc8ff}.good{fill:#7ee0a1}</style>")
    print(f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="#151a23"/>')
    for x, colour in ((18, "#ff5f57"), (38, "#febc2e"), (58, "#28c840")):
        print(f'<circle cx="{x}" cy="16" r="6" fill="{colour}"/>')
    for number, line in enumerate(lines):
        y = 28 + MARGIN + number * LINE
        length = f' textLength="{columns(line) * CHARACTER:.1f}" lengthAdjust="spacingAndGlyphs"' if line else ""
        print(f'<text x="{MARGIN}" y="{y}" xml:space="preserve"{length}>{tinted(line)}</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
