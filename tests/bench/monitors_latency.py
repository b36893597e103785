"""How long a dereference costs: see ``monitors.py``."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from structgen.monitors.analysis import Analysis
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_monitor import build_engine
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.text import TextMonitor
from structgen.vocab.vocabulary import Vocabulary

MODULE = '''"""Module {n} of the project."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Item{n}:
    """One line of an order."""

    name: str
    price: float
    count: int = 1
    tags: tuple[str, ...] = ()

    def total(self) -> float:
        return self.price * self.count

    def label(self, width: int = 20) -> str:
        return self.name.ljust(width)[:width]


class Order{n}:
    """Items of one customer."""

    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.items: list[Item{n}] = []

    def add(self, item: Item{n}) -> Order{n}:
        self.items.append(item)
        return self

    def total(self) -> float:
        return sum(item.total() for item in self.items)

    def cheapest(self) -> Item{n} | None:
        return min(self.items, key=lambda item: item.price, default=None)

    def by_name(self) -> dict[str, Item{n}]:
        return {{item.name: item for item in self.items}}
'''


def write_project(folder: Path, n_lines: int) -> tuple[str, str]:
    """A project of about ``n_lines`` lines; returns the open file's text before and after its hole."""
    per_module = MODULE.count("\n")
    n_modules = max(1, (n_lines - 2 * per_module) // per_module)
    for n in range(n_modules):
        (folder / f"orders{n}.py").write_text(MODULE.format(n=n))
    imports = "".join(f"from orders{n} import Item{n}, Order{n}\n" for n in range(n_modules))
    head = f"import json\nimport os\nimport re\n{imports}\n"
    body = MODULE.format(n=99).split("annotations\n", 1)[1]
    signature = "def report(order: Order0, path: str, orders: list[Order1]) -> str:"
    prefix = f"{head}{body}\n\n{signature}\n    lines: list[str] = []\n"
    return prefix, "\n\n\ndef after() -> None:\n    return None\n" + body.replace("99", "98")


LINES = (
    "    total = order.total()\n",
    "    name = order.customer.strip().upper()\n",
    "    lines.append(name)\n",
    "    first = order.items[0].label(10)\n",
    "    here = os.path.join(path, name.lower())\n",
    "    found = re.compile(path).match(name)\n",
    "    if found is not None and found.group(0):\n        lines.append(found.string)\n",
    "    for other in orders:\n        lines.append(other.customer.title())\n        cheap = other.cheapest()\n",
    "    data = json.loads(here.encode().decode())\n",
    "    text = ', '.join(lines).replace(name.upper(), first)\n",
)


def latency(engine_name: str, n_lines: int, repeats: int = 3, vocabulary: Vocabulary | None = None) -> dict[str, float]:
    """Write the lines token by token; milliseconds per query, microseconds per constrained mask beyond it."""
    from tests.support.data import data_path

    vocabulary = vocabulary or Vocabulary.from_tokenizer_json(data_path("tokenizers", "llama3_1.json"))
    project = Path(tempfile.mkdtemp())
    queries: list[float] = []
    beyond: list[float] = []
    fresh: list[float] = []
    plain: list[float] = []
    try:
        prefix, suffix = write_project(project, n_lines)
        (project / "main.py").write_text(prefix + suffix)
        engine, profile = build_engine(engine_name, project, "main.py", time_limit=5.0)
        engine.complete(prefix + suffix, len(prefix))
        free = FreeMachine(vocabulary)
        row = np.zeros(vocabulary.n_words, dtype=np.uint32)
        for repeat in range(repeats):
            incomplete = profile is not None and profile.habitually_incomplete
            start = prefix + f"    round_{repeat} = {repeat}\n"
            rule = MemberRule(Analysis(engine, start, suffix), habitually_incomplete=incomplete)
            monitor = TextMonitor("python", PythonScanner(), [rule], prefix=start.encode())
            machine = MonitoredMachine(free, [monitor])
            config = machine.start()
            for token_id in vocabulary.encode_bytes("".join(LINES).encode()):
                asked, spent, constrained = engine.stats.queries, engine.stats.seconds, machine.n_constrained
                begun = time.perf_counter()
                machine.fill_mask(config, row)
                after = machine.advance(config, token_id)
                wall = time.perf_counter() - begun
                assert row[token_id >> 5] >> (token_id & 31) & 1 and after is not None, vocabulary.token_bytes(token_id)
                config = after
                n_asked, in_engine = engine.stats.queries - asked, engine.stats.seconds - spent
                if n_asked:
                    queries.append(in_engine / n_asked * 1e3)
                kind = plain
                if machine.n_constrained > constrained:
                    kind = fresh if n_asked else beyond
                kind.append((wall - in_engine) * 1e6)
        engine.close()
    finally:
        shutil.rmtree(project)
    queries.sort()
    beyond.sort()
    result = {
        "queries": len(queries),
        "query_ms_median": statistics.median(queries),
        "query_ms_p95": queries[int(0.95 * len(queries))],
        "constrained_masks": len(beyond),
        "constrained_us_median": statistics.median(beyond),
        "constrained_us_p95": beyond[int(0.95 * len(beyond))],
        "constrained_and_asked": len(fresh),
        "constrained_and_asked_us_median": statistics.median(fresh),
        "other_us_median": statistics.median(plain),
    }
    print(f"engine {engine_name}, project of {n_lines} lines, {vocabulary.n_tokens} tokens")
    for key, value in result.items():
        print(f"  {key}: {value:.2f}")
    return result
