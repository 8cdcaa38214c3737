"""The shell of the HTML pages: one file each, nothing fetched, nothing run, light and dark, narrow and wide."""

import hashlib
import html
import re

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --soft: #5b6472; --paper: #fff; --line: #d9dde3; --fill: #f3f5f8;
  --bar: #2f6fb0; --good: #1d7a45; --bad: #b4501a; --extra: #6b53a8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #a4adba; --paper: #14171c; --line: #343a44;
  --fill: #1d222a; --bar: #6aa7e0; --good: #5cc48a; --bad: #f0965c; --extra: #b39ceb; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; display: flex; gap: 1rem; justify-content: space-between; }
p { margin: .4rem 0; } .soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
.score { font-size: 2rem; font-weight: 650; margin: .6rem 0; } .score small { font-size: 1rem; font-weight: 400; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
td { min-width: 4.5rem; overflow-wrap: break-word; } th { font-weight: 600; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
blockquote { margin: .4rem 0; padding: .5rem .9rem; background: var(--fill); border-left: 3px solid var(--line);
  white-space: pre-wrap; } a { color: var(--bar); } svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .soft { fill: var(--soft); }
svg .bar { fill: var(--bar); } svg .good { fill: var(--good); } svg .bad { fill: var(--bad); }
svg .rest { fill: var(--fill); stroke: var(--line); } svg line { stroke: var(--line); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 3rem; }
figure { margin: .6rem 0; } figcaption { color: var(--soft); font-size: .93rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0; } dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.3rem; font-weight: 600; }
@media print { body { max-width: none; } }
"""
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # also where an escape were missing, nothing would run


def page(title: str, body: str) -> str:
    """A whole page; `title` is text, `body` is HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def text(value: object) -> str:
    """Text from anywhere as HTML."""
    return html.escape(visible(str(value)))


def prose(value: object) -> str:
    """Text in which backticks mean code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(value))


def visible(text: str) -> str:
    """The text without characters that are none, and without those that turn the direction of what follows."""
    return UNSEEN.sub("�", text)


def table(header: list[str], rows: list[list[str]], numbers: tuple[int, ...] = ()) -> str:
    """A table of HTML cells that scrolls where it is too wide; the columns in `numbers` are flush right."""

    def line(tag: str, cells: list[str]) -> str:
        kinds = (' class="number"' if place in numbers else "" for place in range(len(cells)))
        scope = ' scope="col"' if tag == "th" else ""
        return "<tr>" + "".join(f"<{tag}{scope}{kind}>{cell}</{tag}>" for cell, kind in zip(cells, kinds)) + "</tr>"

    body = "".join(line("td", row) for row in rows)
    return f'<div class="wide"><table><thead>{line("th", header)}</thead><tbody>{body}</tbody></table></div>'


def file_name(id: str) -> str:
    """A name for a student's files that no file system and no other student shares: letters of the id, and a hash."""
    letters = re.sub(r"[^A-Za-z0-9]+", "-", id).strip("-")[:40] or "student"
    return f"{letters}-{hashlib.sha256(id.encode('utf-8', 'replace')).hexdigest()[:8]}"
