"""TlsPolicy: rule lists, and one `evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tlspolicy import config
from tlspolicy.context import DELIVERY
from tlspolicy.decision import Matched, TlsDecision
from tlspolicy.document import Document
from tlspolicy.errors import Place, PolicyError, PolicyTypeError, Problems
from tlspolicy.explanation import PolicyExplanation
from tlspolicy.expressions.compiler import Compiled, compiled
from tlspolicy.expressions.expression import refuse_asynchronous
from tlspolicy.expressions.outcomes import Outcome
from tlspolicy.expressions.rules import RuleList
from tlspolicy.layouts import Found, layout
from tlspolicy.settings import SETTINGS, Setting
from tlspolicy.strategies import Strategy, choice, strategies

if TYPE_CHECKING:
    import os

    from tlspolicy.context import DeliveryContext
    from tlspolicy.expressions.explanation import Explanation
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.scope import Answers

    Rules: TypeAlias = str | bool | float | Sequence[Mapping[str, object]] | Mapping[str, object]

Functions: TypeAlias = Mapping[str, Callable[..., object]]


@dataclass(frozen=True, init=False, repr=False)
class TlsPolicy:
    """How much TLS each delivery attempt must have, written as Stalwart writes it.

    Immutable and thread-safe; picklable if its functions are.

    Args:
        starttls: `require` TLS (the default), use it where it is offered (`optional`), or `disable` it.
        allow_invalid_certs: whether to go on with a certificate that does not prove the host's name; false by default.
        dane: `require` that the host be authenticated by DANE, take it where there is any (`optional`, the default),
            or `disable` it.
        mta_sts: the same for MTA-STS.
        tls_timeout: milliseconds for STARTTLS, the handshake and the EHLO after it together; `3m` by default.
        mta_sts_timeout: milliseconds for fetching the MTA-STS policy; `10m` by default.
        functions: what answers the functions that ask the world, such as `is_local_domain`, as for `Schema`.

        Each setting is what `RuleList.parse` takes: the text of an expression or of a rule list, a boolean, a number,
        or a list of mappings.

    Raises:
        PolicySyntaxError: a setting is no rule list.
        PolicyTypeError: a result that its setting does not take.

    See https://stalw.art/docs/0.11/smtp/outbound/tls.
    """

    _rules: tuple[RuleList, ...]
    _strategies: tuple[Strategy, ...] | None
    _document: Document | None = field(default=None, compare=False)

    def __init__(
        self,
        *,
        starttls: Rules | None = None,
        allow_invalid_certs: Rules | None = None,
        dane: Rules | None = None,
        mta_sts: Rules | None = None,
        tls_timeout: Rules | None = None,
        mta_sts_timeout: Rules | None = None,
        functions: Functions | None = None,
    ) -> None:
        given = (starttls, allow_invalid_certs, dane, mta_sts, tls_timeout, mta_sts_timeout)
        found = {
            setting.name: Found(source, Place(key=setting.name))
            for setting, source in zip(SETTINGS, given, strict=True)
            if source is not None
        }
        rules = _rule_lists(SETTINGS, found, _schema(functions), RuleList.parse, Problems())
        object.__setattr__(self, "_rules", rules)
        object.__setattr__(self, "_strategies", None)
        _ = self._compiled  # Now, and not on the first attempt.

    @classmethod
    def load(cls, path: str | os.PathLike[str], functions: Functions | None = None) -> TlsPolicy:
        """Load a policy from a file of Stalwart's configuration, in any of its three layouts.

        Args:
            path: a file `.toml`, `.json`, or `.ndjson` (a plan of Stalwart's command line, a change a line).
            functions: as for `TlsPolicy`.

        Raises:
            OSError: the file can't be read.
            PolicySyntaxError: it is no such file, or one of its rules is none.
            PolicyTypeError: a result that its setting does not take. Whichever error it is, `others` has the rest.
        """
        text, parse, place = config.read(path)
        return cls._of_text(text, parse, place, functions)

    @classmethod
    def loads(cls, text: str, functions: Functions | None = None) -> TlsPolicy:
        """Load a policy from the text of a TOML file; otherwise as `load`."""
        if not isinstance(text, str):
            raise PolicyTypeError(f"a policy's text must be a str, not {type(text).__name__}")
        return cls._of_text(text.removeprefix("\N{BYTE ORDER MARK}"), config.parse_toml, Place(), functions)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], functions: Functions | None = None) -> TlsPolicy:
        """Make a policy of what a file's parser has read; otherwise as `load`."""
        if not isinstance(mapping, Mapping):
            raise PolicyTypeError(f"a document must be a mapping, not {type(mapping).__name__}")
        return cls._of_data(mapping, Place(), functions)

    @classmethod
    def _of_text(
        cls,
        text: str,
        parse: config.Parse,
        place: Place,
        functions: Functions | None,
    ) -> TlsPolicy:
        document = Document(text.replace("\r\n", "\n"), parse, place)  # As TOML's parser does before it counts.
        data = parse(document.text, place)
        try:
            policy = cls._of_data(data, place, functions)
        except PolicyError as error:
            others = tuple(other.with_place(document.located(other.place)) for other in error.others)
            raise error.with_others(others).with_place(document.located(error.place)) from None
        object.__setattr__(policy, "_document", document)
        return policy

    @classmethod
    def _of_data(cls, data: Mapping[str, Any], place: Place, functions: Functions | None) -> TlsPolicy:
        problems = Problems()
        found = layout(data, place, problems)
        made = None if found.strategies is None else strategies(found.strategies, problems)
        settings = SETTINGS if made is None else (choice(made),)
        policy = cls.__new__(cls)
        rules = _rule_lists(settings, found.rules, _schema(functions), RuleList.of_file_data, problems)
        object.__setattr__(policy, "_rules", rules)
        object.__setattr__(policy, "_strategies", made)
        _ = policy._compiled  # noqa: SLF001
        return policy

    @property
    def rules(self) -> dict[str, RuleList]:
        """The rule list of each setting by the setting's name; that of `strategy` alone, where the rules choose one."""
        return {setting.name: rules for setting, rules in zip(self._settings, self._rules, strict=True)}

    @property
    def strategies(self) -> dict[str, TlsDecision]:
        """What each strategy decides, by its name; nothing where the rules choose none."""
        return dict(self._strategies or ())

    def located(self, place: Place) -> Place:
        """The same place, with the line and column of its file on which it stands.

        Args:
            place: that of an expression or a table of this policy: its `key` is such as
                `queue.outbound.tls.starttls[0].if` or `queue.tls.NAME`.

        Returns:
            The place as it is where it is not in the text that the policy was loaded from, or where there is no such
            text: the policy was made in Python or from a mapping, or has been pickled.
        """
        if self._document is None or place.key in _NAMES:  # Those are the places of what a document does not say.
            return place
        return self._document.located(place)

    @cached_property
    def _settings(self) -> tuple[Setting, ...]:
        return SETTINGS if self._strategies is None else (choice(self._strategies),)

    @cached_property
    def evaluate(self) -> Callable[[DeliveryContext], TlsDecision]:
        """Decide how much TLS an attempt must have. Never fails open.

        This is a function, `evaluate(context)`, that the rules were compiled to when they were loaded. Equal decisions
        may be the same object.

        Args:
            context: what is known of the attempt.

        Raises:
            PolicyTypeError: `context` is no `DeliveryContext`.
            PolicyEvaluationError: a rule gave no usable answer, or calls a coroutine function. Nothing may be sent on
                this attempt.
        """
        function: Callable[[DeliveryContext], TlsDecision] = self._compiled.function
        return function

    @property
    def source(self) -> str:
        """The Python source of `evaluate`, to look at: the objects that it names are not in it."""
        return self._compiled.source

    @cached_property
    def _compiled(self) -> Compiled:
        trees = [rules.trees(setting.name) for setting, rules in zip(self._settings, self._rules, strict=True)]
        return compiled(trees, self._rules[0].schema, self._decision, self._decide_plainly)

    def _decide_plainly(self, context: DeliveryContext, answers: Answers | None = None) -> TlsDecision:
        refuse_asynchronous(self._asynchronous)  # before any function is called
        known = answers and answers.rewind()
        return self._decision(*(rules.outcome(context, known) for rules in self._rules))

    async def evaluate_async(self, context: DeliveryContext) -> TlsDecision:
        """Decide as `evaluate` does, and await the functions of the policy that are coroutine functions."""
        return self._decision(*[await rules.outcome_async(context) for rules in self._rules])

    def _decision(self, *outcomes: Outcome) -> TlsDecision:
        values: dict[str, Any] = {
            setting.name: setting.decided(rules, outcome)
            for setting, rules, outcome in zip(self._settings, self._rules, outcomes, strict=True)
        }
        if self._strategies is not None:
            chosen: TlsDecision = values["strategy"]
            return replace(chosen, matched=Matched(*[outcomes[0].matched] * len(Matched._fields)))
        return TlsDecision(**values, matched=Matched(*(outcome.matched for outcome in outcomes)))

    def explain(self, context: DeliveryContext) -> PolicyExplanation:
        """Decide as `evaluate` does, and say why.

        Returns:
            The decision, and for each setting the rules that were tried and what each part of them gave. Prints well.
        """
        refuse_asynchronous(self._asynchronous)
        return self._explanation([rules.explain(context) for rules in self._rules])

    async def explain_async(self, context: DeliveryContext) -> PolicyExplanation:
        """Explain as `explain` does, and await the functions of the policy that are coroutine functions."""
        return self._explanation([await rules.explain_async(context) for rules in self._rules])

    def _explanation(self, explanations: Sequence[Explanation]) -> PolicyExplanation:
        decision = self._decision(*(Outcome(each.value, each.matched) for each in explanations))
        return PolicyExplanation(decision, dict(zip(self.rules, explanations, strict=True)))

    @cached_property
    def _asynchronous(self) -> frozenset[str]:
        return frozenset[str]().union(*(rules.asynchronous for rules in self._rules))

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: the rest is made of them."""
        return {"_rules": self._rules, "_strategies": self._strategies}

    def __repr__(self) -> str:
        """A summary: a policy may have very many rules."""
        return f"<TlsPolicy: {sum(len(rules.rules) for rules in self._rules)} rules for {', '.join(self.rules)}>"


_NAMES: Final = frozenset(setting.name for setting in SETTINGS)


def _schema(functions: Functions | None) -> Schema:
    return DELIVERY if functions is None else DELIVERY.with_functions(functions)


def _rule_lists(
    settings: Sequence[Setting],
    found: Mapping[str, Found],
    schema: Schema,
    parse: Callable[..., RuleList],
    problems: Problems,
) -> tuple[RuleList, ...]:
    """The rule list of each setting; raises all the problems, those that were there before included."""
    made: list[RuleList] = []
    for setting in settings:
        source, place = found.get(setting.name, Found(setting.default, Place(key=setting.name)))
        with problems:
            made.append(setting.parse(source, place, schema, parse))
    problems.raise_them()
    return tuple(made)
