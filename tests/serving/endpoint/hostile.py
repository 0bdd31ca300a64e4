"""What no honest client sends to an endpoint: bodies, requests that are no clear HTTP, and endless ones."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import select
import socket
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from tests.serving.endpoint.places import Client
from tests.serving.endpoint.test_answers import INFER, ROWS, arrow, protocol

__all__ = ["ARROW", "Raw", "Sent", "answered", "bodies", "changed", "endless", "raws", "signed", "turns"]

ARROW = "application/vnd.apache.arrow.stream"
_TABLE_HEAD = b"wind,rain,delay,distance\n"


@dataclass(frozen=True, slots=True)
class Sent:
    """A body of a well-formed request."""

    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of a request as they are; HOST and TOKEN in them stand for the endpoint's."""

    name: str
    content: bytes


def changed(**values: list[Any]) -> dict[str, Any]:
    """A request with other values in some columns."""
    body = protocol(ROWS.head(2))
    for tensor in body["inputs"]:
        tensor["data"] = values.get(tensor["name"], tensor["data"])
    return body


def signed(body: bytes) -> dict[str, str]:
    """The header with which a sender says what it sent."""
    return {"content_digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"}


def bodies() -> list[Sent]:
    """Bodies that both routes that predict must refuse."""
    good = json.dumps(protocol(ROWS)).encode()
    found = [Sent("application/json", body) for body in _texts(good)]
    found += [Sent("text/csv", body) for body in _tables()]
    found += [Sent(ARROW, body) for body in _streams(arrow(ROWS))]
    whole = arrow(ROWS)
    found += [Sent(ARROW, turned, signed(whole)) for turned in turns(whole, 23)]
    kinds = ["text/plain", "application/x-pickle", "multipart/form-data", "application/octet-stream", "x" * 3_000]
    found += [Sent(kind, good) for kind in kinds]
    bomb = gzip.compress(b"0" * 50_000_000)
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP", "compress", "identity, gzip"):
        packed = zlib.compress(good) if coding == "deflate" else bomb
        found.append(Sent("application/json", packed, {"content_encoding": coding}))
    found += [Sent("application/json", bomb), Sent("text/csv", bomb), Sent(ARROW, bomb)]
    for digest in ("", "sha-256", "sha-256=:x:", "sha-256=::", "md5=:AAAA:", "sha-256=:AAAA:, sha-512=:AAAA:", "\xff"):
        found.append(Sent("application/json", good, {"content_digest": digest}))
    found.append(Sent("application/json", good[:-2] + b"9" + good[-1:], signed(good)))
    return found


def _texts(good: bytes) -> Iterator[bytes]:
    values: list[Any] = [
        *(None, True, 0, "", [], {}, [[]], [{}], {"inputs": None}, {"inputs": {}}, {"inputs": [1]}),
        *({"inputs": [{}]}, {"inputs": [{"name": 1}]}, {"instances": None}, {"instances": 5}, {"instances": [[]]}),
        *({"dataframe_split": []}, {"dataframe_split": {"columns": 1, "data": 2}}, {"dataframe_records": [1, 2]}),
        *({"instances": [1], "inputs": [2]}, {"params": {}}, {"instances": [1], "params": 5}, {"x" * 10_000: 1}),
        {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}},
        {"instances": [[1, 2, 3, 4]], "params": {"method": "__class__"}},
        {"inputs": [{"name": "wind", "shape": [10**12], "datatype": "FP64", "data": []}]},
        {"inputs": [{"name": "wind", "shape": [-1, 2**62], "datatype": "FP64", "data": [1]}]},
        {"inputs": [{"name": "x", "shape": [0, 0], "datatype": "FP64", "data": []}]},
        {"inputs": [{"name": "../../etc/passwd", "shape": [1], "datatype": "FP64", "data": [1]}]},
        {**protocol(ROWS), "outputs": [{"name": "__reduce__"}]},
        {**protocol(ROWS), "outputs": "predict"},
        {**protocol(ROWS), "id": ["a"]},
    ]
    strange: list[Any] = [None, True, "1", [1], {"a": 1}, "x" * 5_000, -(2**63) - 1, 1.5, "\u0000", "2020-01-01"]
    values += [changed(distance=[one, 1]) for one in strange]
    values += [changed(wind=[one, 1.0]) for one in strange if not isinstance(one, float | int) or one is True]
    yield from (json.dumps(value).encode() for value in values)
    yield from (b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 30_000, b"NaN", b'{"instances":[[NaN,1,1,1]]}')
    yield from (b'{"instances":[[1e999,1,1,1]]}', b'{"instances":[[Infinity,1,1,1]]}', b"\x00" * 100, good[:-1])
    yield from (b'{"instances":' + b"[1]," * 50_000, b"\xef\xbb\xbf" + good, b'{"inputs":"\\ud800"}', b"A" * 300_000)
    yield from (
        good + b"{}",
        good.replace(b":", b"=", 1),
        b'{"instances":[[-Infinity,1,1,1]]}',
        b"[" * 200 + b"]" * 200,
    )
    yield b'{"instances":' + b"[" * 900 + b"1" + b"]" * 900 + b"}"
    yield b'{"instances":[[' + b"9" * 100_000 + b",1,1,1]]}"
    yield json.dumps({"dataframe_records": [dict.fromkeys(ROWS, 1)] * 10_001}).encode()[: 255 * 1024]


def _tables() -> Iterator[bytes]:
    yield from (b"", b"wind\n1", b'"', b'wind,rain\n"1', b"\xff", b"wind,wind\n1,1", b"a," * 50_000, _TABLE_HEAD)
    yield from (_TABLE_HEAD + row for row in (b"1,2\n", b"1,2,3,x\n", b"1,2,inf,4", b"1,2,1e999,4", b"nan,1,1,1"))
    yield from (_TABLE_HEAD + row for row in (b'=cmd|"/C calc"!A0,1,1,1', b"1,2,3,4\n" * 10_001, b"1,2,3,9" * 9_000))
    yield _TABLE_HEAD.replace(b"wind", b"../../etc/passwd") + b"1,2,3,4"


def _streams(whole: bytes) -> Iterator[bytes]:
    yield from (b"", b"\xff\xff\xff\xff", whole[: len(whole) // 2], whole[:200], whole[:-8], whole[:-1], whole + b"\0")
    yield b"\xff\xff\xff\xff\x00\x00\x00\x7f" + whole
    yield whole + whole
    yield arrow(pd.DataFrame({name: np.zeros(9_000) for name in ROWS}), "zstd")
    yield arrow(pd.DataFrame({name: np.zeros(9_000) for name in ROWS}), "lz4")
    yield arrow(ROWS.assign(wind=np.nan))
    yield arrow(ROWS.assign(wind=[[1.0]] * len(ROWS)))
    yield arrow(ROWS.assign(wind=[{"a": 1.0}] * len(ROWS)))
    yield arrow(ROWS[["wind"]])


def turns(whole: bytes, step: int) -> Iterator[bytes]:
    """The same bytes with one of them turned, at many places."""
    for at in range(0, len(whole), step):
        yield whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]


def _head(*lines: str, first: str = f"POST {INFER} HTTP/1.1", host: str = "host: HOST") -> bytes:
    mine = [host] if host else []
    return "\r\n".join([first, *mine, "authorization: Bearer TOKEN", *lines, "", ""]).encode("latin-1")


def raws() -> list[Raw]:
    """Requests that proxies and servers may read differently, or that are none; each must be refused."""
    body = b'{"instances": [[1, 1, 1, 1]]}'
    length = f"content-length: {len(body)}"
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    kind = "content-type: application/json"
    framing = {
        "a length and chunks": (length, "transfer-encoding: chunked"),
        "chunks and a length": ("transfer-encoding: chunked", length),
        "two lengths": (length, "content-length: 0"),
        "one length twice": (length, length),
        "two lengths in one": (f"{length}, {len(body)}",),
        "a length below zero": ("content-length: -1",),
        "a length with a sign": (f"content-length: +{len(body)}",),
        "a length in hexadecimal": ("content-length: 0x1d",),
        "a length beyond numbers": (f"content-length: {2**70}",),
        "a length of a gigabyte": (f"content-length: {2**30}",),
        "a length of a gigabyte, asked for first": (f"content-length: {2**30}", "expect: 100-continue"),
        "an empty length": ("content-length:",),
        "a coding that is none": ("transfer-encoding: xchunked",),
        "a coding after chunks": ("transfer-encoding: chunked, identity",),
        "a name with a blank": ("transfer-encoding : chunked",),
        "a name with a tab": ("transfer-encoding\t: chunked",),
        "a line that is continued": ("transfer-encoding:", " chunked"),
        "a header without a name": (": chunked", length),
        "a line without a colon": ("nothing", length),
        "a zero byte in a header": ("x-request-id: a\0b", length),
        "a line feed alone": ("x-a: b\nx-c: d\rx-e: f", length),
        "two hosts": ("host: evil.example", length),
        "one host twice": ("host: HOST", length),
        "two tokens": ("authorization: Bearer wrong", length),
        "two types": (kind, "content-type: text/csv", length),
        "two origins": ("origin: http://HOST", "origin: http://evil.example", length),
    }
    found = [Raw(name, _head(*lines) + body) for name, lines in framing.items()]
    found += [
        Raw("a chunk without a size", _head("transfer-encoding: chunked") + b"x\r\n" + chunked),
        Raw("a chunk of a negative size", _head("transfer-encoding: chunked") + b"-5\r\nabcde\r\n0\r\n\r\n"),
        Raw("a chunk of a vast size", _head("transfer-encoding: chunked") + b"f" * 40 + b"\r\n" + body),
        Raw("chunks of a packed body", _head("transfer-encoding: gzip, chunked") + chunked),
        Raw("a chunk longer than it says", _head("transfer-encoding: chunked") + b"1\r\n" + body + b"\r\n0\r\n\r\n"),
        Raw("a token after the body", chunked_after(chunked)),
    ]
    firsts = {
        "no version": f"POST {INFER}",
        "a version that is none": f"POST {INFER} HTTP/9.9",
        "the older version": f"POST {INFER} HTTP/0.9",
        "a method that is none": f"EVIL {INFER} HTTP/1.1",
        "a method in small letters": f"post {INFER} HTTP/1.1",
        "another host in the target": f"GET http://evil.example{INFER} HTTP/1.1",
        "a tunnel": "CONNECT evil.example:443 HTTP/1.1",
        "no target": "GET  HTTP/1.1",
        "a star": "OPTIONS * HTTP/1.1",
        "a target with a blank": "GET /v2 /metrics HTTP/1.1",
        "a target with a zero byte": "GET /v2\0 HTTP/1.1",
        "a target with other letters": "GET /v2/\xff HTTP/1.1",
        "a target without a slash": "GET v2 HTTP/1.1",
        "a long target": f"GET /{'a' * 100_000} HTTP/1.1",
        "dots": "GET /../../../../etc/passwd HTTP/1.1",
        "dots in percents": "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
        "dots in percents of percents": "GET /%252e%252e/etc/passwd HTTP/1.1",
        "dots behind a backslash": "GET /..\\..\\etc\\passwd HTTP/1.1",
        "a file": "GET /v2/models/file:///etc/passwd HTTP/1.1",
        "a parameter in the path": "GET /v2;/metrics HTTP/1.1",
        "two slashes": "GET //metrics HTTP/1.1",
        "health and dots": "POST /v2/health/ready/../../invocations HTTP/1.1",
    }
    found += [Raw(name, _head("content-length: 0", first=first)) for name, first in firsts.items()]
    hosts = ("", "host:", "host: evil.example", "host: HOST@evil.example", "host: evil.example, HOST", "host: [::1")
    found += [Raw(f"the host {host!r}", _head("content-length: 0", host=host)) for host in hosts]
    found += [
        Raw("another protocol", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Raw("a handshake of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200),
        Raw("no letters", b"\0" * 100 + b"\r\n\r\n"),
        Raw(
            "a web socket",
            _head("upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13", first="GET / HTTP/1.1"),
        ),
        Raw("many headers", _head(*(f"x-{number}: 1" for number in range(500)), length) + body),
        Raw("a header of a megabyte", _head("x-a: " + "a" * 2**20, length) + body),
        Raw("a name of a megabyte", _head("a" * 2**20 + ": a", length) + body),
    ]
    return found


def chunked_after(chunked: bytes) -> bytes:
    """A token where it is too late for it."""
    head = f"POST {INFER} HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    return head + chunked[:-2] + b"authorization: Bearer TOKEN\r\n\r\n"


def endless() -> list[tuple[Raw, bytes]]:
    """Beginnings of requests, and what comes after them again and again."""
    chunks = _head("transfer-encoding: chunked")
    return [
        (Raw("a first line without an end", b"GET /"), b"a" * 65_536),
        (Raw("headers without an end", _head()[:-2]), b"x-a: " + b"b" * 60_000 + b"\r\n"),
        (Raw("a header without an end", _head()[:-2] + b"x-a: "), b"b" * 65_536),
        (Raw("chunks without an end", chunks), b"10000\r\n" + b"[" * 65_536 + b"\r\n"),
        (Raw("a chunk's extension without an end", chunks + b"1;"), b"a" * 65_536),
        (Raw("a trailer without an end", chunks + b"0\r\nx-a: "), b"b" * 65_536),
    ]


def answered(client: Client, raw: Raw, more: bytes = b"", pieces: int = 0, pause: float = 0.0) -> tuple[int, int]:
    """Send bytes until there is an answer; gives its status, 0 without one, and how many bytes were sent."""
    place = urlsplit(client.address)
    content = raw.content.replace(b"HOST", place.netloc.encode()).replace(b"TOKEN", client.token.encode())
    sent = 0
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=60) as connection:
        try:
            for piece in (content, *repeat(more, pieces)):
                connection.sendall(piece)
                sent += len(piece)
                if select.select([connection], [], [], pause)[0]:
                    break
            got = connection.recv(65_536)
        except (BrokenPipeError, ConnectionResetError):
            got = b""
    return int(got.split(b" ")[1]) if got.startswith(b"HTTP/1.1 ") else 0, sent
