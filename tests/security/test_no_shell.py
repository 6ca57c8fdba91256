"""No text can reach a shell or an interpreter, because the package has neither; read off its syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "scanner").rglob("*.py"))
FORBIDDEN_MODULES = {
    "subprocess", "pty", "popen2", "commands", "code", "codeop", "runpy", "pickle", "marshal", "shelve", "dill",
    "cloudpickle", "joblib", "yaml", "ctypes", "cffi", "xml", "webbrowser", "telnetlib", "cgi",
}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
FORBIDDEN_ATTRIBUTES = {
    "system", "popen", "spawnl", "spawnv", "spawnve", "spawnlp", "spawnvp", "execl", "execv", "execve", "execlp",
    "execvp", "execvpe", "posix_spawn", "posix_spawnp", "fork", "forkpty", "startfile", "create_subprocess_shell",
    "subprocess_shell", "create_subprocess_exec", "subprocess_exec", "echo_via_pager", "mktemp",
}  # fmt: skip
OF_CLICK = {"launch", "edit"}
"""click's ways to start a browser or an editor."""
ALLOWED = {
    ("scanner/run/pending.py", "marshal"): "our own temporary file, which never had a name",
    ("scanner/run/pending.py", "pickle"): "the same",
    ("scanner/cli/lab.py", "create_subprocess_exec"): "our own command against the lab: an argument list, no shell",
    ("scanner/cli/main.py", "import_module"): "the command's module, by a name from our own table",
}


def uses(tree: ast.AST) -> set[str]:
    """The forbidden names that a source uses, however it came by them."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]} & FORBIDDEN_MODULES
            found |= {name.name for name in node.names} & (FORBIDDEN_ATTRIBUTES | {"import_module"})
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & FORBIDDEN_CALLS
        elif isinstance(node, ast.Attribute):
            found |= {node.attr} & (FORBIDDEN_ATTRIBUTES | {"import_module"})
            if isinstance(node.value, ast.Name) and node.value.id == "click":
                found |= {node.attr} & OF_CLICK
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            found.add("shell=")
    return found


def test_the_package_has_no_shell_no_interpreter_and_no_pickles_of_others() -> None:
    found = {
        (str(path.relative_to(ROOT)), name) for path in SOURCES for name in uses(ast.parse(path.read_text("utf-8")))
    }
    assert found - set(ALLOWED) == set()


def test_no_exception_outlives_its_reason() -> None:
    for (path, name), reason in ALLOWED.items():
        assert reason
        assert name in uses(ast.parse((ROOT / path).read_text("utf-8"))), path


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "from os import system",
        "import os\nos.system('x')",
        "eval('1')",
        "exec('1')",
        "import asyncio\nasyncio.create_subprocess_shell('x')",
        "run(x, shell=True)",
        "import pickle as p",
        "from marshal import loads",
        "__import__('os')",
        "click.launch('x')",
    ],
)
def test_the_reader_of_the_trees_sees_it(source: str) -> None:
    assert uses(ast.parse(source))


def test_what_is_unpickled_is_a_file_that_only_we_can_have_written() -> None:
    """`Pending.decode` has one user, which takes the bytes from the spool; that is a file without a name."""
    users = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "Pending.decode"
    ]
    assert set(users) == {"scanner/run/audit.py"}
