"""Functions that ask the world: who answers them, how, and what is no answer."""

from __future__ import annotations

import asyncio
import gc
import pickle
from typing import TYPE_CHECKING, Any, cast

import pytest

from tlspolicy import (
    DeliveryContext,
    Expression,
    PolicyError,
    PolicyEvaluationError,
    PolicySyntaxError,
    PolicyTypeError,
    PolicyValueError,
    Requirement,
    RuleList,
    Schema,
    TlsPolicy,
    is_local_address,
    is_local_domain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCAL = "[ { if = 'is_local_domain(rcpt_domain)', then = 'optional' }, { else = 'require' } ]"


def levels(policy: TlsPolicy, *domains: str) -> list[Requirement]:
    return [policy.evaluate(DeliveryContext(rcpt_domain=domain)).starttls for domain in domains]


async def asked(domain: str) -> bool:
    await asyncio.sleep(0)
    return domain == "a.example"


@pytest.mark.parametrize(
    "known",
    [{"a.example"}, ["a.example"], {"a.example": 1}, "a.example".__eq__],
    ids=["set", "list", "dict", "function"],
)
def test_local_domains(known: Any) -> None:
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": is_local_domain(known)})
    assert levels(policy, "A.Example.", "b.example") == [Requirement.OPTIONAL, Requirement.REQUIRE]


def test_local_addresses_by_either_form() -> None:
    schema = Schema({"rcpt": str}, functions={"is_local_address": is_local_address({"a@b.example"})})
    expression = Expression.parse("[is_local_address(rcpt), is_local_address('*', rcpt)]", schema)
    assert expression.evaluate({"rcpt": "A@B.Example."}) == (1, 1)
    assert expression.evaluate({"rcpt": "c@b.example"}) == (0, 0)


def test_a_policy_pickles_with_its_functions() -> None:
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": is_local_domain(frozenset({"a.example"}))})
    again = pickle.loads(pickle.dumps(policy))  # noqa: S301
    assert levels(again, "a.example", "b.example") == [Requirement.OPTIONAL, Requirement.REQUIRE]


ANSWERS: dict[str, tuple[object, object]] = {
    "true": (True, 1),
    "false": (False, 0),
    "none": (None, ""),
    "list": ([1, "a", None], (1, "a", "")),
    "float": (1.5, 1.5),
    "text": ("require", "require"),
}


@pytest.mark.parametrize(("answer", "value"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_taken_as_a_value(answer: object, value: object) -> None:
    schema = Schema({}, functions={"key_get": lambda _store, _key: answer})
    assert repr(Expression.parse("key_get('a', 'b')", schema).evaluate({})) == repr(value)
    assert repr(asyncio.run(Expression.parse("key_get('a', 'b')", schema).evaluate_async({}))) == repr(value)


def failing(_name: object) -> object:
    raise LookupError("no such key")


class FalsyError(Exception):
    def __len__(self) -> int:
        return 0


class MuteError(Exception):
    def __str__(self) -> str:
        raise LookupError


class OddList(list[int]):
    def __iter__(self) -> Iterator[int]:
        raise RuntimeError("odd")


def falsy(_name: object) -> object:
    raise FalsyError("gone")


def mute(_name: object) -> object:
    raise MuteError


def forging(_name: object) -> object:
    raise ValueError("a\nb\x1b[31m" + "x" * 10**6)


NO_ANSWERS: dict[str, tuple[Callable[[object], object], str, type[Exception] | None]] = {
    "object": (
        lambda _: object(),
        "config_get() gave no value of the language: object is no type of the language: int, float, str or tuple",
        None,
    ),
    "too-large": (lambda _: 2**64, "config_get() gave no value of the language: an integer beyond 64 bits", None),
    "surrogate": (lambda _: "\ud800", "config_get() gave no value of the language: a text with a lone surrogate", None),
    "falsy-exception": (falsy, "config_get() failed: FalsyError: gone", FalsyError),
    "mute-exception": (mute, "config_get() failed: MuteError", MuteError),
    "forged-words": (forging, "config_get() failed: ValueError: a b�[31m" + "x" * 279 + "…", ValueError),
    "odd-list": (
        lambda _: OddList([1]),
        "config_get() gave no value of the language: RuntimeError: odd",
        RuntimeError,
    ),
    "raises": (failing, "config_get() failed: LookupError: no such key", LookupError),
}


@pytest.mark.parametrize(("answer", "message", "cause"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer(answer: Callable[[object], object], message: str, cause: type[Exception] | None) -> None:
    policy = TlsPolicy(allow_invalid_certs="retry_num || config_get('x')", functions={"config_get": answer})
    assert policy.evaluate(DeliveryContext(retry_num=1)).allow_invalid_certs

    async def evaluate_async() -> object:
        return await policy.evaluate_async(DeliveryContext())

    def evaluate() -> object:
        return policy.evaluate(DeliveryContext())

    def awaited() -> object:
        return asyncio.run(evaluate_async())

    for decide in (evaluate, awaited):
        with pytest.raises(PolicyEvaluationError) as raised:
            decide()
        error = raised.value
        assert (error.message, error.source[error.start : error.end]) == (message, "config_get('x')")
        assert type(error.__cause__) is (cause or type(None))


def test_an_answer_may_be_a_level_and_nothing_else() -> None:
    def policy(answer: object) -> TlsPolicy:
        return TlsPolicy(
            starttls="if_then(retry_num, key_get('a', rcpt), require)", functions={"key_get": lambda *_: answer}
        )

    attempt = DeliveryContext(retry_num=1)
    for answer, level in {"disable": 0, True: 1, 2: 2}.items():
        assert policy(answer).evaluate(attempt).starttls is Requirement(level)
    for answer in ("", "Require", 3, -1, 1.0, None, [1]):
        with pytest.raises(PolicyEvaluationError, match="is no level"):
            policy(answer).evaluate(attempt)


REFUSED: dict[str, tuple[str, dict[str, Any], type[PolicyError], str]] = {
    "nobody": (
        "is_local_domain(mx)",
        {},
        PolicySyntaxError,
        'is_local_domain() asks the world: say what answers it, functions={"is_local_domain": …}',
    ),
    "misspelt": (
        "is_local_domian(mx)",
        {},
        PolicySyntaxError,
        "unknown function 'is_local_domian'; did you mean 'is_local_domain'?",
    ),
    "no-parentheses": (
        "is_local_domain",
        {},
        PolicySyntaxError,
        "'is_local_domain' is a function: write is_local_domain(…)",
    ),
    "stalwarts-arity": (
        "is_local_domain(1, 2, 3)",
        {"is_local_domain": lambda *_: 1},
        PolicySyntaxError,
        "is_local_domain() takes 1 or 2 arguments, this gives 3",
    ),
    "functions-own-arity": (
        "is_local_domain('*', mx)",
        {"is_local_domain": lambda domain: domain},
        PolicySyntaxError,
        "what was given to answer is_local_domain() does not take 2 arguments",
    ),
    "arity-of-a-new-function": (
        "mine()",
        {"mine": lambda a: a},
        PolicySyntaxError,
        "what was given to answer mine() does not take 0 arguments",
    ),
    "no-function": ("1", {"mine": 5}, PolicyTypeError, "function 'mine': a int can't be called"),
    "no-name": (
        "1",
        {"my function": print},
        PolicyValueError,
        "function 'my function': an expression can't spell this name",
    ),
    "no-text": (
        "1",
        cast("dict[str, Any]", {5: print}),
        PolicyValueError,
        "function 5: an expression can't spell this name",
    ),
    "taken": (
        "1",
        {"contains": print},
        PolicyValueError,
        "function 'contains': this name is a variable, a constant or a function already",
    ),
    "no-mapping": (
        "1",
        cast("dict[str, Any]", ["x"]),
        PolicyTypeError,
        "the functions of a schema must be a mapping, not list",
    ),
}


@pytest.mark.parametrize(("text", "functions", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_at_load(text: str, functions: dict[str, Any], error: type[PolicyError], message: str) -> None:
    with pytest.raises(error) as raised:
        TlsPolicy(allow_invalid_certs=text, functions=functions)
    assert raised.value.message == message


def test_a_function_of_ones_own_without_a_signature() -> None:
    assert Expression.parse("mine(1, 2)", Schema({}, functions={"mine": max})).evaluate({}) == 2


def test_an_asynchronous_policy() -> None:
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": is_local_domain(asked)})

    async def run() -> list[Requirement]:
        contexts = [DeliveryContext(rcpt_domain=domain) for domain in ("a.example", "b.example")]
        return [(await policy.evaluate_async(context)).starttls for context in contexts]

    assert asyncio.run(run()) == [Requirement.OPTIONAL, Requirement.REQUIRE]


def test_evaluate_raises_before_it_calls_a_coroutine_function() -> None:
    calls: list[object] = []

    async def answer(domain: object) -> bool:
        calls.append(domain)
        return True

    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": answer})
    rules = policy.rules["starttls"]
    for evaluate in (policy.evaluate, policy.explain, rules.evaluate, rules.rules[0].condition.evaluate):
        with pytest.raises(PolicyEvaluationError, match=r"is_local_domain\(\) must be awaited: use evaluate_async"):
            evaluate(DeliveryContext())
    assert calls == []
    assert asyncio.run(rules.evaluate_async(DeliveryContext())) == 2


def test_a_coroutine_that_was_not_announced_is_no_answer() -> None:
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": lambda domain: asked(domain)})  # noqa: PLW0108
    with pytest.raises(PolicyEvaluationError, match="coroutine is no type of the language"):
        policy.evaluate(DeliveryContext())
    gc.collect()  # It was closed: nothing warns that it was never awaited.
    assert asyncio.run(policy.evaluate_async(DeliveryContext(rcpt_domain="a.example"))).starttls is Requirement.OPTIONAL


def test_what_a_coroutine_raises_is_the_cause() -> None:
    async def answer(_domain: object) -> bool:
        await asyncio.sleep(0)
        raise LookupError("gone")

    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": answer})

    async def run() -> None:
        await policy.evaluate_async(DeliveryContext())

    with pytest.raises(PolicyEvaluationError, match=r"is_local_domain\(\) failed: LookupError: gone") as raised:
        asyncio.run(run())
    assert isinstance(raised.value.__cause__, LookupError)
    assert raised.value.place.key == "starttls[0].if"


def test_a_coroutine_of_a_function_that_is_none_is_awaited() -> None:
    known = is_local_domain(lambda domain: asked(domain))  # noqa: PLW0108
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": known})
    assert asyncio.run(policy.evaluate_async(DeliveryContext(rcpt_domain="b.example"))).starttls is Requirement.REQUIRE
    with pytest.raises(PolicyEvaluationError):
        policy.evaluate(DeliveryContext(rcpt_domain="b.example"))


class Lookup:
    async def __call__(self, domain: str) -> bool:
        return await asked(domain)


def test_an_object_may_be_called_as_a_coroutine_function() -> None:
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": is_local_domain(Lookup())})
    with pytest.raises(PolicyEvaluationError, match="must be awaited"):
        policy.evaluate(DeliveryContext())
    explanation = asyncio.run(policy.explain_async(DeliveryContext(rcpt_domain="a.example")))
    assert explanation.decision.starttls is Requirement.OPTIONAL


@pytest.mark.parametrize("known", ["a.example", b"a.example", None, 5])
def test_what_can_not_say_what_is_local(known: Any) -> None:
    with pytest.raises(PolicyTypeError, match="what is local is a set of names or a function, not "):
        is_local_domain(known)


def test_only_a_text_is_looked_up() -> None:
    policy = TlsPolicy(
        allow_invalid_certs="is_local_domain(recipients)", functions={"is_local_domain": is_local_domain({"x"})}
    )
    with pytest.raises(PolicyEvaluationError, match="a name to look up is a text, not tuple"):
        policy.evaluate(DeliveryContext(recipients=("x",)))


def test_no_function_is_called_where_another_must_be_awaited() -> None:
    calls: list[object] = []
    policy = TlsPolicy(
        starttls=LOCAL,
        dane="if_then(config_get('x'), optional, optional)",
        functions={"is_local_domain": calls.append, "config_get": asked},
    )
    with pytest.raises(PolicyEvaluationError, match=r"config_get\(\) must be awaited"):
        policy.evaluate(DeliveryContext())
    assert calls == []


def test_explain_asks_once_and_agrees_with_itself() -> None:
    count = iter(range(10))
    policy = TlsPolicy(
        starttls="[ { if = 'config_get(mx) > 0', then = 'disable' }, { else = 'require' } ]",
        functions={"config_get": lambda _: next(count)},
    )
    explanation = policy.explain(DeliveryContext())
    assert explanation.decision.starttls is Requirement.REQUIRE
    assert next(count) == 1


async def nothing(_name: object) -> int:
    await asyncio.sleep(0)
    return 0


def test_awaiting_has_a_limit() -> None:
    schema = Schema({}, functions={"config_get": nothing})
    few = RuleList.parse([*[{"if": "config_get('x')", "then": "1"}] * 256, {"else": "2"}], schema)
    assert asyncio.run(few.evaluate_async({})) == 2
    many = RuleList.parse([*[{"if": "config_get('x')", "then": "1"}] * 257, {"else": "2"}], schema)
    with pytest.raises(PolicyEvaluationError, match="more than 256 answers had to be awaited"):
        asyncio.run(many.evaluate_async({}))


def test_repeating_an_evaluation_spends_from_one_budget() -> None:
    heavy = {"if": "count(sort(dedup(split(s, ',')), 1)) > 99999", "then": "1"}
    asking = {"if": "config_get('x')", "then": "1"}
    schema = Schema({"s": str}, functions={"config_get": nothing})
    rules = RuleList.parse([heavy, *[asking] * 50, {"else": "2"}], schema)
    with pytest.raises(PolicyEvaluationError, match="more work than one evaluation may do"):
        asyncio.run(rules.evaluate_async({"s": "a," * 60_000}))


class Odd:
    @property
    def __signature__(self) -> object:
        raise LookupError

    def __call__(self, name: object) -> object:
        return name


def test_a_function_whose_signature_can_not_be_read() -> None:
    assert Expression.parse("mine('x')", Schema({}, functions={"mine": Odd()})).evaluate({}) == "x"


def test_each_answer_is_asked_for_once() -> None:
    asked_for: list[object] = []

    async def counter_incr(_store: object, key: object, _by: object) -> int:
        await asyncio.sleep(0)
        asked_for.append(key)
        return len(asked_for)

    def key_get(_store: object, key: object) -> str:
        asked_for.append(key)
        return f"{len(asked_for)}{key}"

    schema = Schema({"x": str}, functions={"counter_incr": counter_incr, "key_get": key_get})
    rules = RuleList.parse(
        [
            {"if": "matches('(b)', x) && counter_incr('s', $1, 1) > 5", "then": "1"},
            {"else": "[counter_incr('s', 'k', 1), key_get('s', 'k'), counter_incr('s', 'k', 1), $0]"},
        ],
        schema,
    )
    assert asyncio.run(rules.evaluate_async({"x": "abc"})) == (2, "3k", 4, "b")
    assert asked_for == ["b", "k", "k", "k"]


class Promise:
    def __await__(self) -> Iterator[None]:
        yield


def test_an_awaitable_is_no_answer() -> None:
    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": lambda _: Promise()})
    with pytest.raises(PolicyEvaluationError, match="Promise is no type of the language"):
        policy.evaluate(DeliveryContext())


def test_what_is_cancelled_stays_cancelled() -> None:
    async def never(_domain: object) -> bool:
        await asyncio.Event().wait()
        return True

    policy = TlsPolicy(starttls=LOCAL, functions={"is_local_domain": never})

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(policy.evaluate_async(DeliveryContext()), 0.01)

    asyncio.run(run())


def test_what_interrupts_is_no_failure_of_the_function() -> None:
    def interrupted(_name: object) -> object:
        raise KeyboardInterrupt

    policy = TlsPolicy(allow_invalid_certs="config_get('x')", functions={"config_get": interrupted})
    with pytest.raises(KeyboardInterrupt):
        policy.evaluate(DeliveryContext())


def test_a_schema_of_a_class_keeps_its_functions() -> None:
    functions = {"config_get": str}
    schema = Schema.of(DeliveryContext, functions=functions)
    assert Expression.parse("config_get(mx)", schema).evaluate(DeliveryContext(mx="a")) == "a"
    assert pickle.loads(pickle.dumps(schema)) == schema  # noqa: S301
    assert schema.with_functions({}).functions == {}
    assert Schema({"x": int}).with_functions(functions).functions == functions
