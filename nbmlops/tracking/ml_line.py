"""What follows ``%ml`` or ``%%ml``, taken apart by a shell's rules, without running anything.

The click tree runs a line; this reads one at rest, to see which names and versions it needs and
makes. Quotes group, a backslash escapes, a word that begins with ``#`` starts a comment, a ``;`` at
the end is dropped, and ``{expr}`` is kept as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MlLine", "quoted", "words"]

# A word that says the same without quotes; a question mark at the end of a line would ask IPython for help.
_BARE = re.compile(r"[\w@%+=:,./-]+")

# Options that take a value; any other option is a switch.
_VALUED = frozenset(
    "-a --action --after --against --alias --allow-host --artifact --as --at --background --batch-latency --before "
    "--better --bound --by --calibration --catchup --ceiling --cell-timeout --challenger --champion --change --code "
    "--column --columns --cost --cron --data --depth --description --direction --down --entity --every --example "
    "--executor --experiment --fairness --feast --floor --for --format --fresh --from --grace --group --host "
    "--html --image --inputs --junit --key --kind --label --late --latency --least --like --limit --logical-time "
    "--lost -m --markdown --max-age --max-body --max-rows --measure --memory --message --metric --model -n --name "
    "--notebook --number -o --older --on --only --output --overfit --overlap --owner -p --parallel --param "
    "--personal --port --quality --query --query-file --reference --remote --reprocess --risk --rows --sample "
    "--sampled --scheduler --section --sensitive --severity --share --since --size --slices --stale --status "
    "--step --sticky --subject --suite --tag --target --test --time --timeout --to --noun --token-file "
    "--tolerance --train --ttl --tz --unseen --until --where --where-file --window --within --workers --project".split()
)
# The same of one verb alone.
_VALUED_OF = {
    "data tag": frozenset({"--remove"}),
    "store audit": frozenset({"--against", "--export", "--who"}),
    "store export": frozenset({"--namespace"}),
    "store certificate": frozenset({"--verify"}),
    "data erase": frozenset({"--certificate"}),
    "store hold": frozenset({"--reason"}),
    "store release": frozenset({"--reason"}),
    "model score": frozenset({"--bad", "--jobs", "--keep"}),
    "model export": frozenset({"--oms"}),
    "model tag": frozenset({"--remove"}),
    "store policy": frozenset({"--set"}),
    "model describe": frozenset({"--description", "--intended-use", "--licence", "--limits", "--owner", "--remove"}),
}
_TOP_LEVEL = frozenset(
    "demo doctor init lineage lint log panel reproduce score search serve status step story trust ui".split()
)
_VERBS = {
    "ci": frozenset({"init", "run"}),
    "run": frozenset(
        {"artifact", "autolog", "best", "compare", "export", "import", "list", "note", "resume", "show", "start"}
    ),
    "feature": frozenset(
        (
            "compute define delete diff export freshness history list materialize online rename restore retire search "
            "service show training usage"
        ).split()
    ),
    "check": frozenset(
        {"data", "diff", "drift", "feature", "importance", "infer", "leakage", "list", "model", "policy", "show"}
    ),
}
_DEFAULT_VERBS = {"run": "start", "check": "data", "ci": "run", "feature": "define"}
# Which positional, of which noun and verb, is an object of the notebook. Where a reference may stand
# instead ("either"), a name that the notebook does not define is no fault.
_OBJECTS = {
    ("data", "profile"): "either",
    ("data", "save"): "object",
    ("model", "save"): "object",
    ("check", "data"): "either",
    ("check", "drift"): "either",
    ("check", "infer"): "either",
    ("check", "importance"): "either",
    ("check", "leakage"): "either",
    ("check", "model"): "either",
    ("check", "policy"): "either",
    ("feature", "training"): "either",
}


@dataclass(frozen=True, slots=True)
class MlLine:
    """A parsed line: ``NOUN VERB arguments… options…``; `noun` is empty for a top-level verb.

    Examples
    --------
    >>> line = MlLine.parse('data save flights -m "January"  # the first')
    >>> line.noun, line.verb, line.arguments, line.option("-m")
    ('data', 'save', ('flights',), 'January')
    """

    noun: str
    verb: str
    arguments: tuple[str, ...]
    options: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> MlLine:
        """Take `text` apart; a text that the grammar refuses is read as far as it goes."""
        positionals, options = _separate(words(text))
        if not positionals:
            return cls("", "", (), options)
        first, *rest = positionals
        if first in _TOP_LEVEL:
            return cls("", first, tuple(rest), options)
        if first in _DEFAULT_VERBS and (not rest or rest[0] not in _VERBS[first]):
            return cls(first, _DEFAULT_VERBS[first], tuple(rest), options)
        return cls(first, rest[0] if rest else "", tuple(rest[1:]), options)

    def option(self, *names: str) -> str | None:
        """Give the value of the first option that has one of `names` (``""`` for a switch), or None."""
        return next((value for name, value in self.options if name in names), None)

    @property
    def output(self) -> str | None:
        """The variable that ``-o`` names."""
        return _identifier(self.option("-o", "--output"))

    @property
    def is_query(self) -> bool:
        """Whether what it saves are the rows of a query, and its only word is a name."""
        return (self.noun, self.verb) == ("data", "save") and self.option("--query", "--query-file") is not None

    @property
    def objects(self) -> tuple[str, ...]:
        """The variables that must exist when the line runs."""
        is_given = _OBJECTS.get((self.noun, self.verb)) == "object" and not self.is_query
        named = self.arguments[:1] if is_given else ()
        return tuple(filter(_identifier, (*named, self.option("--example") or "")))

    @property
    def mentions(self) -> tuple[str, ...]:
        """Names that are variables if the notebook has such, and references or files if not."""
        every = len(self.arguments) if (self.noun, self.verb) == ("check", "infer") else 1
        named = self.arguments[:every] if _OBJECTS.get((self.noun, self.verb)) == "either" else ()
        return tuple(filter(_identifier, (*named, self.option("-a", "--artifact") or "")))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The keys of ``-p key=value``."""
        pairs = (value.partition("=")[0] for name, value in self.options if name in {"-p", "--param"})
        return tuple(filter(_identifier, pairs))

    @property
    def expressions(self) -> tuple[str, ...]:
        """The Python between the braces of ``key={…}``; nothing else is ever expanded."""
        values = [value for name, value in self.options if name in {"-p", "--param", "--tag", "--cost", "--for"}]
        return tuple(inner for word in (*self.arguments, *values) for inner in _braced(word.partition("=")[2]))


def words(text: str) -> tuple[str, ...]:
    """Split `text` as a shell would; quotes go, ``{expr}`` stays whole with the quotes inside it.

    Examples
    --------
    >>> words('log auc={score(y, p[:, 1])} -m "two words";  # done')
    ('log', 'auc={score(y, p[:, 1])}', '-m', 'two words')
    """
    return tuple(_split(text))


def quoted(split: Iterable[str]) -> str:
    r"""Write words as a line that `words` splits into them again.

    Raises
    ------
    InvalidError
        When a word has a line break in it, which a line has not.

    Examples
    --------
    >>> quoted(["run", "note", "gbm-12", 'it "holds"; why?'])
    'run note gbm-12 "it \\"holds\\"; why?"'
    """
    return " ".join(map(_as_one_word, split))


def _as_one_word(word: str) -> str:
    if _BARE.fullmatch(word):
        return word
    if "".join(word.splitlines()) != word:
        raise InvalidError("a line holds no line break", hint="say it in Python, where a text may have several lines")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _split(text: str) -> Iterator[str]:
    word: list[str] | None = None
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            if word is not None:
                yield "".join(word)
            word = None
            at += 1
            continue
        if word is None and character == "#":
            return
        if character == ";" and text[at + 1 :].lstrip()[:1] in {"", "#"}:
            break
        piece, at = _piece(text, at)
        word = [] if word is None else word
        word.append(piece)
    if word is not None:
        yield "".join(word)


def _piece(text: str, at: int) -> tuple[str, int]:
    """Read the quoted, escaped, braced or plain text at `at`; give it and where it ends."""
    character = text[at]
    if character == "\\" and at + 1 < len(text):
        return text[at + 1], at + 2
    if character in "\"'":
        return _quoted(text, at)
    if character == "{" and (end := _brace_end(text, at)):
        return text[at:end], end
    return character, at + 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    quote, held = text[at], list[str]()
    at += 1
    while at < len(text) and text[at] != quote:
        if quote == '"' and text[at] == "\\" and text[at + 1 : at + 2] in {'"', "\\"}:
            at += 1
        held.append(text[at])
        at += 1
    return "".join(held), at + 1


def _brace_end(text: str, at: int) -> int:
    """Position after the brace that closes the one at `at`, or 0; Python strings inside are skipped."""
    depth, quote = 0, ""
    while at < len(text):
        character = text[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return 0


def _separate(split: tuple[str, ...]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    positionals, options, rest = list[str](), list[tuple[str, str]](), iter(split)
    for word in rest:
        if word == "--":
            positionals.extend(rest)
        elif not word.startswith("-") or word == "-":
            positionals.append(word)
        elif word in _VALUED or word in _VALUED_OF.get(" ".join(positionals[:2]), ()):
            options.append((word, next(rest, "")))
        elif word.startswith("--"):
            name, _, value = word.partition("=")
            options.append((name, value))
        elif word[:2] in _VALUED:
            options.append((word[:2], word[2:]))
        else:
            options.append((word, ""))
    return positionals, tuple(options)


def _braced(value: str) -> Iterator[str]:
    at = value.find("{")
    while at >= 0:
        if value.startswith("{{", at):
            # Doubled, as in an f-string: a brace that is meant.
            end = at + 2
        elif end := _brace_end(value, at):
            yield value[at + 1 : end - 1].strip()
        else:
            return
        at = value.find("{", end)


def _identifier(word: str | None) -> str | None:
    return word if word and word.isidentifier() else None
