"""Other evaluators of rules: the same rules as an expression of each, which gives the number of the rule that decides.

Each is given the variables in the form that it likes best, made beforehand, and is asked as its documentation says.
One that is not installed is left out.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import rurex

from tlspolicy import DELIVERY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy import DeliveryContext

    Evaluator = Callable[[object], object]

_CEL: Final = {
    "seed": ["last_error == 'tls' && retry_num > 1", "last_error == 'tls' && retry_num > 0"],
    "nine": [
        "rcpt_domain == 'a.org'",
        "rcpt_domain == 'b.org' && priority > 3",
        "mx.endsWith('.gov')",
        "retry_num > 5 && last_error == 'dns'",
        "source == 'dsn' || source == 'report'",
        "rcpt_domain in ['x.org', 'y.org', 'z.org']",
        "size > 10485760",
        "priority < -3",
        "retry_num > 1 && (last_error == 'tls' || last_error == 'dane')",
    ],
}
_REGEX: Final = r"^([^.]+)@spam\.net$"
_WITH_REGEX: Final = 7


def _conditions(rules: str, regex: str, words: dict[str, str]) -> list[str]:
    """The conditions of some rules in another language: CEL's words replaced, and its regular expression."""
    conditions = list(_CEL["nine" if rules == "ten" else rules])
    if rules == "ten":
        conditions.insert(_WITH_REGEX, regex)
    for word, other in words.items():
        conditions = [condition.replace(word, other) for condition in conditions]
    return conditions


def _ternary(conditions: list[str]) -> str:
    """`a ? 0 : b ? 1 : 2`."""
    return " : ".join(
        [*(f"{condition} ? {number}" for number, condition in enumerate(conditions)), str(len(conditions))]
    )


def _pythonic(rules: str) -> str:
    words = {"&&": "and", "||": "or", "endsWith": "endswith"}
    conditions = _conditions(rules, "search(sender) is not None", words)
    return " else ".join([*(f"{number} if {each}" for number, each in enumerate(conditions)), str(len(conditions))])


_SEARCH: Final = rurex.compile(_REGEX).search


def _eval(rules: str) -> Evaluator:
    code = compile(_pythonic(rules), "rules", "eval")
    known = {"search": _SEARCH}
    return partial(eval, code, known)


def _evalidate(rules: str) -> Evaluator:
    evalidate = import_module("evalidate")
    model = evalidate.base_eval_model.clone()
    model.nodes.extend(["Attribute", "Call", "IfExp", "Is", "NotIn", "In", "List", "USub", "UnaryOp"])
    model.attributes.append("endswith")
    model.allowed_functions.append("search")
    model.imported_functions["search"] = _SEARCH
    evaluate = evalidate.Expr(_pythonic(rules), model).eval
    return partial(evaluate, None)


def _datalogic(rules: str, *, parsed: bool = False) -> Evaluator:
    if rules == "ten":
        raise LookupError("it has no regular expressions")
    engine = import_module("datalogic_py").Engine()
    parts: list[object] = []
    for number, condition in enumerate(_JSON_LOGIC[rules]):
        parts += [condition, number]
    rule = engine.compile({"if": [*parts, len(_JSON_LOGIC[rules])]})
    evaluate: Evaluator = rule.evaluate_data if parsed else rule.evaluate
    return evaluate


def _zen(rules: str) -> Evaluator:
    words = {"&&": "and", "||": "or", "mx.endsWith('.gov')": "endsWith(mx, '.gov')"}
    text = _ternary([f"({each})" for each in _conditions(rules, f"matches(sender, '{_REGEX}')", words)])
    evaluate: Evaluator = import_module("zen").compile_expression(text).evaluate
    return evaluate


def _cel_in_rust(rules: str) -> Evaluator:
    text = _ternary(_conditions(rules, f"sender.matches(r'{_REGEX}')", {}))
    evaluate: Evaluator = import_module("cel").compile(text).execute
    return evaluate


def _cel_in_cpp(rules: str) -> Evaluator:
    cel = import_module("cel_expr_python.cel")
    types = {str: cel.Type.STRING, int: cel.Type.INT}
    variables = {name: types[kind] for name, kind in DELIVERY.variables.items() if kind in types}
    expression = cel.NewEnv(variables=variables).compile(
        _ternary(_conditions(rules, f"sender.matches(r'{_REGEX}')", {}))
    )

    def evaluate(given: object) -> object:
        return expression.eval(data=given).value()

    return evaluate


def _cel_in_python(rules: str) -> Evaluator:
    celpy = import_module("celpy")
    environment = celpy.Environment()
    program = environment.program(environment.compile(_ternary(_conditions(rules, f"sender.matches(r'{_REGEX}')", {}))))
    evaluate: Evaluator = program.evaluate
    return evaluate


def _rule_engine(rules: str) -> Evaluator:
    words = {"&&": "and", "||": "or", "endsWith": "ends_with"}
    conditions = _conditions(rules, f"sender =~ '{_REGEX}'".replace("\\", "\\\\"), words)
    evaluate: Evaluator = import_module("rule_engine").Rule(_ternary(conditions)).evaluate
    return evaluate


def _var(name: str) -> dict[str, str]:
    return {"var": name}


_TLS: Final = {"==": [_var("last_error"), "tls"]}
_JSON_LOGIC: Final[dict[str, list[object]]] = {
    "seed": [{"and": [_TLS, {">": [_var("retry_num"), 1]}]}, {"and": [_TLS, {">": [_var("retry_num"), 0]}]}],
    "nine": [
        {"==": [_var("rcpt_domain"), "a.org"]},
        {"and": [{"==": [_var("rcpt_domain"), "b.org"]}, {">": [_var("priority"), 3]}]},
        {"ends_with": [_var("mx"), ".gov"]},
        {"and": [{">": [_var("retry_num"), 5]}, {"==": [_var("last_error"), "dns"]}]},
        {"or": [{"==": [_var("source"), "dsn"]}, {"==": [_var("source"), "report"]}]},
        {"in": [_var("rcpt_domain"), ["x.org", "y.org", "z.org"]]},
        {">": [_var("size"), 10_485_760]},
        {"<": [_var("priority"), -3]},
        {"and": [{">": [_var("retry_num"), 1]}, {"or": [_TLS, {"==": [_var("last_error"), "dane"]}]}]},
    ],
}
_PEERS: Final[dict[str, Callable[[str], Evaluator]]] = {
    "Python's eval": _eval,
    "evalidate": _evalidate,
    "datalogic (Rust)": _datalogic,
    "datalogic (Rust), data parsed before": partial(_datalogic, parsed=True),
    "zen (Rust)": _zen,
    "CEL in Rust": _cel_in_rust,
    "CEL in C++": _cel_in_cpp,
    "rule-engine": _rule_engine,
    "cel-python": _cel_in_python,
}


def peers(rules: str) -> dict[str, Evaluator]:
    """Each evaluator that is installed, ready for these rules: `seed`, `nine` or `ten`."""
    found: dict[str, Evaluator] = {}
    for name, make in _PEERS.items():
        with suppress(ImportError, LookupError):
            found[name] = make(rules)
    return found


def prepared(peer: str, rules: str, context: DeliveryContext) -> Any:
    """The variables that the rules name, with their values in a context, in the form that a peer takes."""
    text = " ".join([*_CEL["seed" if rules == "seed" else "nine"], "sender" if rules == "ten" else ""])
    variables: dict[str, Any] = {
        name: getattr(context, name) for name in DELIVERY.variables if re.search(rf"\b{name}\b", text)
    }
    if peer.endswith("parsed before"):
        return import_module("datalogic_py").DataHandle(variables)
    if peer == "cel-python":
        return {name: import_module("celpy").json_to_cel(value) for name, value in variables.items()}
    return variables
