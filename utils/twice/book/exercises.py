"""Exercises: numbered on their page, each with its solution folded below it, code that ran included."""

from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TAG = "tag_solution"
logger = logging.getLogger(__name__)


class exercise(nodes.General, nodes.Element):
    """A task; its first child is its title."""


class solution(nodes.General, nodes.Element):
    """What is folded under a task."""


class Exercise(SphinxDirective):
    """`{exercise} Title` with the task as content; `:name:` makes it a place to link to."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar = {"name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The number comes later, when the page's exercises are all known."""
        self.assert_has_content()
        words, messages = self.parse_inline(self.arguments[0], lineno=self.lineno) if self.arguments else ([], [])
        task = exercise("", nodes.paragraph("", "", *words, *messages, classes=["exercise-title"]))
        self.set_source_info(task)
        self.state.nested_parse(self.content, self.content_offset, task)
        self.add_name(task)
        return [task]


class Solution(SphinxDirective):
    """`{solution}` directly after an exercise, or after another part of its solution."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """What stands in it; where it belongs is settled by the transform."""
        answer = solution()
        self.set_source_info(answer)
        self.state.nested_parse(self.content, self.content_offset, answer)
        return [answer]


def is_solution(node: nodes.Node) -> bool:
    """A `{solution}`, or a code cell that is tagged as one."""
    return isinstance(node, solution) or (isinstance(node, nodes.container) and TAG in node["classes"])


class GroupSolutions(SphinxTransform):
    """Number the exercises; what follows one as its solution moves into it, folded as one."""

    default_priority = 798  # before the pairs: a pair of cells may be a solution

    def apply(self, **kwargs: Any) -> None:
        """From the top of the page to its end."""
        for number, task in zip(count(1), list(self.document.findall(exercise))):
            title = cast(nodes.paragraph, task.children[0])
            task["title"] = f"Exercise {number}" + (f" · {title.astext()}" if title.children else "")
            label = nodes.inline("", f"Exercise {number}", classes=["exercise-number"])
            title.children[:0] = [label, *([nodes.Text(" · ")] if title.children else [])]
            self.fold(task, number)
        for node in list(self.document.findall(is_solution)):
            if not isinstance(node.parent, exercise | solution):
                logger.warning("a solution stands alone, expected it directly after an exercise", location=node)

    def fold(self, task: exercise, number: int) -> None:
        """Gather the parts of the solution in one element, at the exercise's end."""
        parent, parts = task.parent, []
        after = parent.index(task) + 1
        while after < len(parent.children) and is_solution(parent.children[after]):
            parts.append(parent.children[after])
            del parent.children[after]
        if parts:
            inside = [child for part in parts for child in (part.children if isinstance(part, solution) else [part])]
            task += solution("", *inside, number=number)


def name_exercises(app: "Sphinx", doctree: nodes.document) -> None:
    """A reference to a named exercise says `Exercise 2`, as one to a section says its title."""
    labels = app.env.get_domain("std").data["labels"]
    for task in doctree.findall(exercise):
        for name in task["names"]:
            labels[name] = (app.env.docname, task["ids"][0], task["title"].partition(" · ")[0])


def visit_exercise(writer: Any, node: exercise) -> None:
    """A box of its own."""
    writer.body.append(writer.starttag(node, "div", CLASS="exercise"))


def visit_solution(writer: Any, node: solution) -> None:
    """The browser's own fold: it needs no script, and paper shows it open."""
    writer.body.append('<details class="solution"><summary>Solution</summary>\n')


def leave_solution(writer: Any, node: solution) -> None:
    """End of the fold."""
    writer.body.append("</details>\n")


def leave_exercise(writer: Any, node: exercise) -> None:
    """End of the box."""
    writer.body.append("</div>\n")


def plain(writer: Any, node: nodes.Node) -> None:
    """Other formats than HTML show both one after the other."""


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    others: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (plain, plain))
    app.add_node(exercise, html=(visit_exercise, leave_exercise), **others)
    app.add_node(solution, html=(visit_solution, leave_solution), **others)
    app.add_directive("exercise", Exercise)
    app.add_directive("solution", Solution)
    app.add_transform(GroupSolutions)
    app.connect("doctree-read", name_exercises)
