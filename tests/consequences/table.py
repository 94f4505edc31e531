"""The contract's table, and which of its rows the tests of this folder are marked with."""

import ast
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
MARK = "consequence"


def rows() -> dict[str, dict[str, str]]:
    """ "GET /agents" → its row of endpoints.tsv."""
    with (FOLDER / "endpoints.tsv").open() as table:
        return {f"{row['method']} {row['path']}": row for row in csv.DictReader(table, delimiter="\t")}


def not_yet() -> set[str]:
    lines = (FOLDER / "not_yet.txt").read_text().splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def marked() -> Counter[str]:
    """Every row that a test is marked with, from the sources: what is left out of a run counts all the same."""
    return Counter(row for path in sorted(FOLDER.glob("test_*.py")) for row in _marks(ast.parse(path.read_text())))


def _marks(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        decorators = [ast.unparse(each) for each in node.decorator_list]
        if any(decorator.startswith(("pytest.mark.skip", "pytest.mark.xfail")) for decorator in decorators):
            continue
        for each in node.decorator_list:
            if isinstance(each, ast.Call) and ast.unparse(each.func) == f"pytest.mark.{MARK}":
                yield from (ast.literal_eval(argument) for argument in each.args)
