"""Cells of texts: all texts there are, divided by what some tests say of them.

Equality, order, and being the start, the end or a part of a text are decided by an automaton that reads the text once:
a trie of the constants that it may turn out to be or begin with, beside the automaton of Aho and Corasick (1975) for
those that it may contain or end with. What the automaton can reach is what texts there are; so the cells are exact.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_STATES: Final = 100_000
_LAST_CHARACTER: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_READABLE: Final = "xyzabcdefghijklmnopqrstuvw0123456789-_!~"

Kind: TypeAlias = Literal["equals", "below", "starts", "ends", "contains"]


class TextTest(NamedTuple):
    """Whether a text equals `constant`, is below it in the order of code points, starts or ends with it, or has it."""

    kind: Kind
    constant: str

    def holds(self, text: str) -> bool:
        """Whether it is true of `text`."""
        match self.kind:
            case "equals":
                return text == self.constant
            case "below":
                return text < self.constant
            case "starts":
                return text.startswith(self.constant)
            case "ends":
                return text.endswith(self.constant)
            case "contains":  # pragma: no branch (there is no other kind)
                return self.constant in text


class TextCell(NamedTuple):
    """Texts of which all tests say the same.

    Args:
        passed: the tests that are true of them, a bit each.
        example: one of them, as short as any.
        alone: whether it is the only one.
    """

    passed: int
    example: str
    alone: bool


def cells(tests: Sequence[TextTest], *, hosts: bool) -> list[TextCell] | None:
    """The cells that `tests` make of all texts; `None` where there is too much to look at.

    Args:
        tests: without repetitions.
        hosts: whether only texts count as a `DeliveryContext` has them of hosts and addresses: in lower case, without
            a dot at the end.
    """
    machine = _Machine.of(tests, hosts=hosts)
    found: dict[int, TextCell] = {}
    seen = {machine.start}
    queue = deque([(machine.start, "")])
    while queue:
        state, text = queue.popleft()
        if not (hosts and text.endswith(".")):
            passed, alone = machine.passed(state)
            found.setdefault(passed, TextCell(passed, text, alone))
        for character, following in machine.steps(state):
            if following not in seen:
                if len(seen) == MAX_STATES:
                    return None
                seen.add(following)
                queue.append((following, text + character))
    return list(found.values())


@dataclass(slots=True)
class _Node:
    """A place in the trie: the texts that begin alike.

    Args:
        children: the next places, by character.
        equals: the tests that the text at this place passes as a whole.
        starts: those that all texts pass which begin so.
        under: the tests of order whose constant begins so.
        longer: those of them whose constant goes on.
        below: those that are true of all texts that begin so.
    """

    children: dict[str, int] = field(default_factory=dict)
    equals: int = 0
    starts: int = 0
    under: int = 0
    longer: int = 0
    below: int = 0


@dataclass(slots=True)
class _Part:
    """A state of the automaton for parts: the longest start of a constant that the text ends with.

    Args:
        steps: the next states, by character; the first state for any other.
        ends: the tests `ends` that a text passes which ends here.
        contains: the tests `contains` that it passes, whatever follows.
    """

    steps: dict[str, int] = field(default_factory=dict)
    ends: int = 0
    contains: int = 0


class _State(NamedTuple):
    """Where the machine is after a text.

    Args:
        node: its place in the trie; `None` when it is no longer in there.
        passed: what is known by then of the tests of starts and order; 0 within the trie.
        part: the state of the automaton for parts.
        contains: the tests `contains` that were passed.
        dot: whether the last character was a dot.
    """

    node: int | None
    passed: int
    part: int
    contains: int
    dot: bool


@dataclass(frozen=True, slots=True)
class _Machine:
    nodes: list[_Node]
    parts: list[_Part]
    letters: tuple[str, ...]
    hosts: bool

    @classmethod
    def of(cls, tests: Sequence[TextTest], *, hosts: bool) -> _Machine:
        nodes, parts = _trie(tests), _parts(tests)
        ordered = any(test.kind == "below" for test in tests)
        characters = set(chain.from_iterable(node.children for node in nodes)) if ordered else set()
        characters.update(chain.from_iterable(part.steps for part in parts), "." if hosts else "")
        used = characters.union(*(node.children for node in nodes))
        letters = [*characters, *(_between if ordered else _other)(used, hosts=hosts)]
        return cls(nodes, parts, tuple(sorted(filter(_is_lower, letters) if hosts else letters)), hosts)

    @property
    def start(self) -> _State:
        return _State(0, 0, 0, self.parts[0].contains, dot=False)

    def passed(self, state: _State) -> tuple[int, bool]:
        """The tests that a text passes that ends here, and whether it is the only one that has come here."""
        of_parts = state.contains | self.parts[state.part].ends
        if state.node is None:
            return state.passed | of_parts, False
        node = self.nodes[state.node]
        return node.equals | node.starts | node.below | node.longer | of_parts, bool(node.equals)

    def steps(self, state: _State) -> Iterator[tuple[str, _State]]:
        """The next states, each with a character that leads there."""
        node = None if state.node is None else self.nodes[state.node]
        for character, child in node.children.items() if node else ():
            if not self.hosts or _is_lower(character):
                yield character, self._step(state, character, child, 0)
        for character in self.letters:
            if node is None:
                yield character, self._step(state, character, None, state.passed)
            elif character not in node.children:
                yield character, self._step(state, character, None, self._left(node, character))

    def _step(self, state: _State, character: str, node: int | None, passed: int) -> _State:
        part = self.parts[state.part].steps.get(character, 0)
        contains = state.contains | self.parts[part].contains
        return _State(node, passed, part, contains, dot=self.hosts and character == ".")

    def _left(self, node: _Node, character: str) -> int:
        """What is known of a text that leaves the trie at `node`."""
        passed = node.starts | node.below
        for other, child in node.children.items():
            if character < other:
                passed |= self.nodes[child].under
        return passed


def _trie(tests: Sequence[TextTest]) -> list[_Node]:
    nodes = [_Node()]
    for bit, (kind, constant) in enumerate(tests):
        if kind not in ("equals", "starts", "below"):
            continue
        at = 0
        for character in constant:
            if kind == "below":
                nodes[at].under |= 1 << bit
                nodes[at].longer |= 1 << bit
            at = nodes[at].children.setdefault(character, len(nodes))
            if at == len(nodes):
                nodes.append(_Node())
        match kind:
            case "equals":
                nodes[at].equals |= 1 << bit
            case "starts":
                nodes[at].starts |= 1 << bit
            case "below":  # pragma: no branch (there is no other kind here)
                nodes[at].under |= 1 << bit
    for node in nodes:  # A parent stands before its children.
        for character, child in node.children.items():
            nodes[child].starts |= node.starts
            nodes[child].below |= node.below
            for other, sibling in node.children.items():
                if character < other:
                    nodes[child].below |= nodes[sibling].under
    return nodes


def _parts(tests: Sequence[TextTest]) -> list[_Part]:
    parts = [_Part()]
    for bit, (kind, constant) in enumerate(tests):
        if kind not in ("ends", "contains"):
            continue
        at = 0
        for character in constant:
            at = parts[at].steps.setdefault(character, len(parts))
            if at == len(parts):
                parts.append(_Part())
        if kind == "ends":
            parts[at].ends |= 1 << bit
        else:
            parts[at].contains |= 1 << bit
    _link(parts)
    return parts


def _link(parts: list[_Part]) -> None:
    """Give each state the steps of the longest other state that its text ends with, and what that passes."""
    fallback = dict.fromkeys(parts[0].steps.values(), 0)
    queue = deque(fallback)
    for part in parts[1:]:
        part.ends |= parts[0].ends  # The empty text is at every end.
    while queue:
        at = queue.popleft()
        part, shorter = parts[at], parts[fallback[at]]
        part.ends |= shorter.ends
        part.contains |= shorter.contains
        for character, child in part.steps.items():
            fallback[child] = shorter.steps.get(character, 0)
            queue.append(child)
        part.steps = {**shorter.steps, **part.steps}


def _is_lower(character: str) -> bool:
    return character.lower() == character


def _other(used: set[str], *, hosts: bool) -> Iterator[str]:
    """A character that none of the constants has."""
    return islice(
        (character for character in _fitting(-1, _LAST_CHARACTER + 1, hosts=hosts) if character not in used), 1
    )


def _between(used: set[str], *, hosts: bool) -> Iterator[str]:
    """A character between each two that are used, in their order, before the first and after the last."""
    borders = [-1, *sorted(map(ord, used)), _LAST_CHARACTER + 1]
    for low, high in pairwise(borders):
        yield from islice(_fitting(low, high, hosts=hosts), 1)


def _fitting(low: int, high: int, *, hosts: bool) -> Iterator[str]:
    """The characters between two codes, of hosts those in lower case, first those that read well."""
    readable = (character for character in _READABLE if low < ord(character) < high)
    others = (chr(code) for code in range(low + 1, high) if code not in _SURROGATES)
    return (character for character in chain(readable, others) if not hosts or _is_lower(character))
