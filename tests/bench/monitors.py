"""Monitors on real code: soundness and latency, per engine.

    python tests/bench/monitors.py soundness --engine zuban --sites 2000 --packages second
    python tests/bench/monitors.py latency --engine zuban
    python tests/bench/monitors.py overhead --engine zuban
    python tests/bench/monitors.py usefulness --points 160

*Soundness*: at member accesses of the standard library and of installed packages the line
is cut off after the dot and the rest of the file kept, and the monitor is asked. The true
identifier must be allowed; each that is not is listed with the engine's answer. The
accesses are found with ``tokenize``, not with the scanner under test.

*Latency*: in a project of 1,000 lines, code is written at the end of a function, token by
token, with a dereference in every line; times of the queries and of the masks after them.
*Overhead*: the same text against recorded answers, best of many, for a busy machine.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import keyword
import random
import shutil
import statistics
import sys
import sysconfig
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Engine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_monitor import build_engine
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.rules import member_names
from structgen.monitors.text import TextState

STDLIB = [
    "argparse",
    "ast",
    "bdb",
    "cmd",
    "code",
    "codeop",
    "configparser",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "difflib",
    "dis",
    "doctest",
    "enum",
    "fileinput",
    "fractions",
    "ftplib",
    "functools",
    "getopt",
    "gettext",
    "glob",
    "graphlib",
    "gzip",
    "heapq",
    "hmac",
    "imaplib",
    "inspect",
    "ipaddress",
    "linecache",
    "locale",
    "mailbox",
    "mimetypes",
    "netrc",
    "optparse",
    "pathlib",
    "pdb",
    "pickle",
    "pickletools",
    "plistlib",
    "poplib",
    "pprint",
    "profile",
    "pstats",
    "pyclbr",
    "queue",
    "quopri",
    "random",
    "reprlib",
    "rlcompleter",
    "sched",
    "selectors",
    "shelve",
    "shlex",
    "shutil",
    "smtplib",
    "socket",
    "socketserver",
    "statistics",
    "string",
    "subprocess",
    "symtable",
    "tarfile",
    "tempfile",
    "textwrap",
    "threading",
    "timeit",
    "tokenize",
    "trace",
    "traceback",
    "turtle",
    "types",
    "typing",
    "uuid",
    "warnings",
    "wave",
    "weakref",
    "zipapp",
    "zipfile",
]
PACKAGES = {
    "rich": "console table text panel progress tree syntax",
    "lark": "lark lexer tree visitors load_grammar",
    "jsonschema": "validators exceptions",
    "typer": "main core",
    "click": "core parser types",
    "jedi": "cache",
    "parso": "grammar tree",
    "attr": "_make",
    "pydantic": "fields main",
    "referencing": "_core",
}
SECOND = {
    "jinja2": "environment lexer parser runtime loaders nodes",
    "requests": "sessions models adapters cookies utils",
    "urllib3": "response connectionpool connection poolmanager",
    "tomlkit": "container items parser",
    "markdown_it": "main ruler token parser_inline",
    "pygments": "lexer formatter style",
    "networkx": "classes/graph classes/digraph relabel",
    "anyio": "_core/_fileio from_thread to_thread",
    "pathspec": "pathspec util",
    "packaging": "specifiers requirements tags metadata",
    "huggingface_hub": "repocard hf_file_system _local_folder",
    "yaml": "scanner parser emitter constructor",
    "tqdm": "std utils",
    "hypothesis": "database stateful",
    "fontTools": "ttLib/ttFont misc/transform feaLib/lexer",
    "matplotlib": "lines patches colors",
}
"""Packages that no rule was tuned on."""


@dataclass
class Tally:
    """One run's counts."""

    engine: str
    sites: int = 0
    constrained: int = 0
    definition_sites: int = 0
    forbidden: list[dict[str, str]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    unread: int = 0


def accesses(source: str) -> list[tuple[int, str]]:
    """Offsets (code points) just after the dot of each dereference, and the identifier there, by ``tokenize``."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: list[tuple[int, str]] = []
    statement: list[tokenize.TokenInfo] = []
    previous: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            statement = []
            continue
        if token.type in (tokenize.NL, tokenize.COMMENT):
            continue
        if (
            previous is not None
            and previous.string == "."
            and token.type == tokenize.NAME
            and len(statement) > 1
            and is_operand(statement[-2])
            and statement[0].string not in ("import", "from")
        ):
            found.append((starts[token.start[0] - 1] + token.start[1], token.string))
        statement.append(token)
        previous = token
    return found


def is_operand(token: tokenize.TokenInfo) -> bool:
    if token.type == tokenize.NAME:
        return not keyword.iskeyword(token.string) or token.string in ("None", "True", "False")
    return token.type in (tokenize.NUMBER, tokenize.STRING) or token.string in (")", "]", "}")


def files(chosen: str = "first") -> Iterator[tuple[Path, Path | None]]:
    """Source files, each with its package's folder (None for the standard library's modules).

    ``"first"`` is the standard library and ten packages, ``"second"`` packages not used before.
    """
    standard = Path(sysconfig.get_path("stdlib"))
    for name in STDLIB if chosen == "first" else ():
        if (standard / f"{name}.py").is_file():
            yield standard / f"{name}.py", None
    for package, modules in (PACKAGES if chosen == "first" else SECOND).items():
        try:
            folder = Path(importlib.import_module(package).__file__ or "").parent
        except ImportError:
            continue
        for module in modules.split():
            if (folder / f"{module}.py").is_file():
                yield folder / f"{module}.py", folder


def soundness(engine_name: str, n_sites: int, seed: int, any_target: bool = False, packages: str = "first") -> Tally:
    """Ask the monitor at ``n_sites`` true accesses."""
    rng = random.Random(seed)
    chosen = list(files(packages))
    per_file = -(-n_sites // len(chosen))
    tally = Tally(engine_name)
    for path, package in chosen:
        source = path.read_text(encoding="utf-8")
        sites = accesses(source)
        sites = sorted(rng.sample(sites, min(2 * per_file, len(sites))))
        project = Path(tempfile.mkdtemp())
        try:
            if package is None:
                relative = f"sample_{path.name}"  # beside, not instead of, the module itself
            else:
                shutil.copytree(package, project / package.name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
                relative = f"{package.name}/{path.relative_to(package)}"
            engine, profile = build_engine(engine_name, project, relative, time_limit=5.0)
            engine.complete(source, len(source))
            try:
                ask_all(source, sites[: 2 * per_file], engine, profile, tally, path.name, any_target)
            finally:
                engine.close()
        finally:
            shutil.rmtree(project)
        if tally.sites >= n_sites * 1.2:
            break
    return tally


def ask_all(source, sites, engine: Engine, profile, tally: Tally, name: str, any_target: bool) -> None:  # type: ignore[no-untyped-def]
    scanner = PythonScanner()
    read = 0
    for offset, identifier in sites:
        scanner = scanner.feed(source[read:offset].encode())
        read = offset
        line_end = source.find("\n", offset)
        analysis = Analysis(engine, "", source[line_end:])
        incomplete = profile is not None and profile.habitually_incomplete
        rule = MemberRule(analysis, habitually_incomplete=incomplete, any_target=any_target)
        state = TextState(source[:offset].encode(), scanner)
        tally.sites += 1
        if scanner.site() is None:
            tally.unread += 1
            continue
        if not rule.pre(state):
            tally.definition_sites += 1
            continue
        before = engine.stats.seconds
        gate = rule.gate(state)
        tally.milliseconds.append((engine.stats.seconds - before) * 1e3)
        if gate is None:
            continue
        tally.constrained += 1
        is_lifted = identifier[:1].encode() in [bytes((b,)) for b in gate.lifts]
        if identifier.encode() not in gate.names and not is_lifted:
            line = source[source.rfind("\n", 0, offset) + 1 : offset].strip()
            # With the line as it is, does the engine know the name? If not, the gap is all its own.
            intact = member_names(engine.complete(source, offset), habitually_incomplete=incomplete)
            knows = "" if intact is UNKNOWN or identifier in intact else "no"
            tally.forbidden.append(
                {"file": name, "text": line[-60:], "name": identifier, "offered": str(len(gate.names)), "intact": knows}
            )


def report(tally: Tally) -> None:
    times = sorted(tally.milliseconds)
    print(f"engine {tally.engine}: {tally.sites} member accesses")
    print(f"  read by the scanner: {tally.sites - tally.unread}, possible definitions: {tally.definition_sites}")
    print(f"  constrained: {tally.constrained} ({tally.constrained / tally.sites:.1%})")
    print(f"  true name forbidden: {len(tally.forbidden)} ({len(tally.forbidden) / max(1, tally.constrained):.2%})")
    print(f"  query ms: median {statistics.median(times):.1f}, p95 {times[int(0.95 * len(times))]:.1f}")
    for entry, count in Counter(json.dumps(e) for e in tally.forbidden).items():
        item = json.loads(entry)
        print(
            f"    {item['file']}: {item['text']}[{item['name']}] offered {item['offered']}, "
            f"{'not known in the intact file either' if item['intact'] else 'lost in the unfinished line'} x{count}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["soundness", "latency", "overhead", "usefulness"])
    parser.add_argument("--engine", default="zuban")
    parser.add_argument("--sites", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", choices=["any", "self"], default="self")
    parser.add_argument("--packages", choices=["first", "second"], default="first")
    parser.add_argument("--points", type=int, default=160)
    parser.add_argument("--out", help="usefulness: write each point here as JSON")
    parser.add_argument("--lines", type=int, default=1000)
    options = parser.parse_args()
    if options.what == "soundness":
        report(soundness(options.engine, options.sites, options.seed, options.targets == "any", options.packages))
    elif options.what == "usefulness":
        from monitors_usefulness import usefulness

        usefulness(options.engine, options.points, seed=options.seed, out=options.out)
    elif options.what == "overhead":
        from monitors_overhead import overhead

        overhead(options.engine, options.lines)
    else:
        from monitors_latency import latency

        latency(options.engine, options.lines)


if __name__ == "__main__":
    main()
