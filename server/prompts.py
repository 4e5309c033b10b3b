"""Prompts that a person may choose in their client: what to do with the tools, step by step."""

from __future__ import annotations

from mcp.server import MCPServer

_LABEL = """\
Find out what feature {feature} does, and label it.
1. get_feature, enrich_feature with side output and side input, get_examples with kinds diverse and negative.
2. Write down two or three rival hypotheses before testing any.
3. test_token_set and test_input_hypothesis on each; read q, p_specific and holds.
4. Try to refute the best: its details (members not elevated, tokens it misses, rivals), split_histogram, minimal
pairs, test_activation with edits, measure_effect.
5. submit_label: one sentence that would be wrong if the feature were another one, the hypotheses behind it, your
confidence that they hold on unseen data, and what would refute it. If nothing survived, submit it without hypotheses.
"""
_COMPARE = """\
Feature {feature} may have several labels: search_labels with features={number}. For each, say what it predicts that
the others do not, and test exactly that: test_token_set with given (what each set adds to the other),
test_input_hypothesis, test_activation on texts where they disagree. Say which label fits best and which parts of the
others survive; submit a better one only if you found one.
"""
_AUDIT = """\
Read the resource tsea://label/{label} (or search_labels with label={label}) and try to refute it. Test each of its
hypotheses as written, then where it would fail: the effect without the top member, members that are not elevated, top
tokens that it misses, a rival set that explains it, negative examples and minimal pairs, edited texts in
test_activation, and measure_effect on texts of your own. Report for each hypothesis: stands, is weaker than stated, or
is refuted, with the numbers.
"""
_CAUTION = """\
Count on nothing that you have not tested in this session, change your mind when a test speaks against you, and report
what you tried and dropped.
"""


def register(server: MCPServer) -> None:
    """Offer the prompts on a server."""

    @server.prompt(title="Label a feature")
    def label_feature(feature: str, subject: str = "") -> str:
        """Investigate one feature and submit a label."""
        return _LABEL.format(feature=_named(feature, subject)) + _CAUTION

    @server.prompt(title="Compare the labels of a feature")
    def compare_labels(feature: str, subject: str = "") -> str:
        """Decide which of a feature's labels fits best."""
        return _COMPARE.format(feature=_named(feature, subject), number=feature) + _CAUTION

    @server.prompt(title="Audit a label")
    def audit_label(label: str) -> str:
        """Try to refute one submitted label."""
        return _AUDIT.format(label=label) + _CAUTION


def _named(feature: str, subject: str) -> str:
    return f"{feature} of {subject}" if subject else feature
