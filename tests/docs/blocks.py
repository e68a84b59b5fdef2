"""Fenced blocks of the pages, and how a block of Python is run and compared."""

import ast
import contextlib
import doctest
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in DOCS.rglob("*.md"))]

TITLE = re.compile(r'title="([^"]*)"')
CLAUSE = re.compile(r" ?\[S\d+\.\d+\]$")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, what it is, and whether it follows the one before at once."""

    page: str
    line: int
    language: str
    title: str
    code: str
    follows: bool

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks_of(page):
    """Return the blocks of a page in order."""
    return blocks_in(page, (ROOT / page).read_text("utf-8"))


def blocks_in(page, text):
    """Return the blocks of a text in order; one that is only indented has no language."""
    tokens = MarkdownIt("commonmark").parse(text)
    found = []
    for at, token in enumerate(tokens):
        if token.type in ("fence", "code_block"):
            language, _, rest = token.info.strip().partition(" ")
            title = TITLE.search(rest)
            follows = at > 0 and tokens[at - 1].type == "fence"
            found.append(
                Block(
                    page, token.map[0] + 1, language, title[1] if title else "", token.content,
                    follows,
                )
            )  # fmt: skip
    return found


def run_python(block, namespace):
    """Run a block statement by statement; what comments say is shown must be. Return the output."""
    comments = trailing_comments(block.code)
    printed = []
    tree = ast.parse(block.code, str(block))
    for statement in tree.body:
        out, value = io.StringIO(), None
        with contextlib.redirect_stdout(out), np.printoptions(legacy=False):
            if isinstance(statement, ast.Expr):
                expression = ast.Expression(statement.value)
                value = eval(compile(expression, str(block), "eval"), namespace)
            else:
                exec(compile(ast.Module([statement], []), str(block), "exec"), namespace)
        shown = out.getvalue()
        said = comments.get(statement.end_lineno)
        where = f"{block.page}:{block.line + statement.lineno}"
        if said is not None and is_print(statement):
            assert says(said, shown.rstrip("\n")), f"{where}: it prints {shown!r}"
        elif said is not None and isinstance(statement, ast.Expr) and is_literal(said):
            assert says(said, repr(value)), f"{where}: it gives {value!r}"
        printed.append(shown)
    return "".join(printed)


def trailing_comments(code):
    """Return the comments behind code, by line."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip()
    }


def is_print(statement):
    return isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("print(")


def is_literal(text):
    try:
        ast.literal_eval(CLAUSE.sub("", text).partition(": ")[0])
    except (SyntaxError, ValueError):
        return False
    return True


def says(comment, shown):
    """Tell whether a comment gives an output, perhaps with ``: words`` and a clause behind it."""
    text = CLAUSE.sub("", comment)
    return text == shown or text.startswith(f"{shown}: ")


def same_output(expected, actual):
    """Tell whether a text shows an output; spaces do not count, ``...`` is anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, actual, flags)
