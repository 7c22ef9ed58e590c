"""TlsPolicy: the settings, each a rule list, and one `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tlspolicy import config
from tlspolicy.decision import Matched, TlsDecision
from tlspolicy.errors import Place, PolicyError, PolicyTypeError
from tlspolicy.expressions.rules import RuleList
from tlspolicy.settings import SETTINGS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from tlspolicy.context import DeliveryContext
    from tlspolicy.expressions.explanation import Explanation

    Rules: TypeAlias = str | bool | float | Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True, init=False)
class TlsPolicy:
    """How much TLS each delivery attempt must have, written as Stalwart writes it. Immutable, thread-safe, picklable.

    Args:
        starttls: `require` TLS (the default), use it where it is offered (`optional`), or `disable` it.
        allow_invalid_certs: whether to go on with a certificate that does not prove the host's name; false by default.
        dane: `require` that the host be authenticated by DANE, take it where there is any (`optional`, the default),
            or `disable` it.
        mta_sts: the same for MTA-STS.
        tls_timeout: milliseconds for STARTTLS, the handshake and the EHLO after it together; `3m` by default.
        mta_sts_timeout: milliseconds for fetching the MTA-STS policy; `10m` by default.

        Each is what `RuleList.parse` takes: the text of an expression or of a rule list, a boolean, a number, or a
        list of mappings.

    Raises:
        PolicySyntaxError: a setting is no rule list.
        PolicyTypeError: a result that its setting does not take.

    See https://stalw.art/docs/0.11/smtp/outbound/tls.
    """

    starttls: RuleList
    allow_invalid_certs: RuleList
    dane: RuleList
    mta_sts: RuleList
    tls_timeout: RuleList
    mta_sts_timeout: RuleList

    def __init__(
        self,
        *,
        starttls: Rules | None = None,
        allow_invalid_certs: Rules | None = None,
        dane: Rules | None = None,
        mta_sts: Rules | None = None,
        tls_timeout: Rules | None = None,
        mta_sts_timeout: Rules | None = None,
    ) -> None:
        given = (starttls, allow_invalid_certs, dane, mta_sts, tls_timeout, mta_sts_timeout)
        for setting, source in zip(SETTINGS, given, strict=True):
            rules = setting.parse(setting.default if source is None else source, Place(key=setting.name))
            object.__setattr__(self, setting.name, rules)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TlsPolicy:
        """Load a policy from a file of Stalwart's configuration.

        Args:
            path: a `.toml` file with a table `[queue.outbound.tls]`.

        Raises:
            OSError: the file can't be read.
            PolicySyntaxError: it is no such file, or one of its rules is none.
            PolicyTypeError: a result that its setting does not take.
        """
        return cls._of_text(config.read(path), Place(file=str(path)))

    @classmethod
    def loads(cls, text: str) -> TlsPolicy:
        """Load a policy from the text of a TOML file; otherwise as `load`."""
        if not isinstance(text, str):
            raise PolicyTypeError(f"a policy's text must be a str, not {type(text).__name__}")
        return cls._of_text(text.removeprefix("\N{BYTE ORDER MARK}"), Place())

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> TlsPolicy:
        """Make a policy of what a file's parser has read; otherwise as `load`."""
        if not isinstance(mapping, Mapping):
            raise PolicyTypeError(f"a document must be a mapping, not {type(mapping).__name__}")
        return cls._of_document(mapping, Place())

    @classmethod
    def _of_text(cls, text: str, place: Place) -> TlsPolicy:
        text = text.replace("\r\n", "\n")  # As TOML's parser does before it counts.
        try:
            return cls._of_document(config.parse_toml(text, place), place)
        except PolicyError as error:
            line = config.line_of(error, text)
            if line is None:
                raise
            place = replace(error.place, line=line)
            raise type(error)(error.message, error.source, error.start, error.end, place) from None

    @classmethod
    def _of_document(cls, document: Mapping[str, Any], place: Place) -> TlsPolicy:
        configured = config.settings(document, place)
        policy = cls.__new__(cls)
        for setting in SETTINGS:
            source, where = configured.get(setting.name) or (setting.default, Place(key=setting.name))
            object.__setattr__(policy, setting.name, setting.parse(source, where, RuleList.of_file_data))
        return policy

    def evaluate(self, context: DeliveryContext) -> TlsDecision:
        """Decide how much TLS an attempt must have. Asks nobody and never fails open.

        Args:
            context: what is known of the attempt.

        Raises:
            PolicyTypeError: `context` is no `DeliveryContext`.
            PolicyEvaluationError: a rule gave no usable answer. Nothing may be sent on this attempt.
        """
        decided = {setting.name: setting.decide(getattr(self, setting.name), context) for setting in SETTINGS}
        values: dict[str, Any] = {name: value for name, (value, _) in decided.items()}
        matched = Matched(**{name: index for name, (_, index) in decided.items()})
        return TlsDecision(**values, matched=matched)

    def explain(self, context: DeliveryContext) -> PolicyExplanation:
        """Decide as `evaluate` does, and say why.

        Returns:
            The decision, and for each setting the rules that were tried and what each part of them gave. Prints well.
        """
        decision = self.evaluate(context)
        rules = {setting.name: getattr(self, setting.name) for setting in SETTINGS}
        return PolicyExplanation(decision, {name: each.explain(context) for name, each in rules.items()})


@dataclass(frozen=True, slots=True)
class PolicyExplanation:
    """Why a policy decided what it decided.

    Args:
        decision: what it decided.
        settings: how each setting came to its value, by the setting's name.
    """

    decision: TlsDecision
    settings: dict[str, Explanation] = field(hash=False)

    def __str__(self) -> str:
        """A paragraph for each setting that has rules, a line for each that has none."""
        return "\n".join(self._paragraph(name) for name in self.settings)

    def _paragraph(self, name: str) -> str:
        explanation = self.settings[name]
        head = f"{name} = {str(getattr(self.decision, name)).lower()}"
        conditional = bool(explanation.tried[0].key)
        return f"{head}\n{explanation}".replace("\n", "\n    ") if conditional else head
