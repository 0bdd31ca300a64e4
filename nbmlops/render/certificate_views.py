"""How a certificate of an erasure looks; here, because the store lies below what renders."""

from __future__ import annotations

from nbmlops.core.digests import short
from nbmlops.render.dispatch import json, looks, markdown
from nbmlops.render.look import Block, Facts, Heading, Lines, Look, Part, line, table
from nbmlops.render.standalone import standalone
from nbmlops.render.units import count
from nbmlops.store.certificates import Certificate

__all__ = ["certificate_page"]


@looks(Certificate)
def _(one: Certificate) -> Look:
    waits = Part("a remote waits yet", "bad") if one.state != "done" else None
    amount = f"{count(one.rows, 'row')} of {count(len(one.versions), 'version')}"
    head = line("certificate of erasure", ", ".join(one.names), Part(amount, "good"), waits)
    facts = {
        "erasure": one.erasure,
        "workspace": one.workspace,
        "erased by": one.by,
        "erased at": f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
        "audit": f"event {one.event}, {one.event_digest}",
        "remotes purged": ", ".join(one.remotes),
        "signed by": f"{one.issued_by}, key {one.signature.key}",
        "signed at": f"{one.issued_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    body: list[Block] = [Facts.of(facts)]
    if one.versions:
        rows = [
            (ref, f"{gone:,}", f"{left:,}", f"{short(before)} → {short(after)}")
            for ref, before, after, gone, left in one.versions
        ]
        body += [Heading("Rows"), table(("version", ">rows", ">left", "digest"), rows)]
    if one.records:
        told = [(what, f"{amount:,}") for what, amount in one.records.items()]
        body += [Heading("Records"), table(("what", ">cleared"), told)]
    body += [Heading("Not reached"), Lines(tuple(line(Part(f"· {what}")) for what in one.not_reached))]
    return Look(head, tuple(body))


@json.register
def _(obj: Certificate) -> dict[str, object]:
    return {**obj.said(), "signature": obj.signature.value}


def certificate_page(certificate: Certificate, form: str) -> str:
    """A certificate as a page of its own: ``html``, or Markdown."""
    if form == "html":
        return standalone(certificate, f"Certificate of erasure {certificate.erasure}")
    return markdown(certificate, detail=True)
