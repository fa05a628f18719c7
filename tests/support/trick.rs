//! What a hostile or broken server does instead of answering.

use std::time::Duration;

use super::abi;
use super::fake::{Answer, Wire};

/// One of them.
#[derive(Clone, Copy)]
pub struct Trick {
    pub name: &'static str,
    pub answer: fn() -> Answer,
    /// What a deletion may be told: whether the server has carried it out cannot be known, unless
    /// the answer says so or was turned away before the API.
    pub deletion: &'static [i32],
    /// Nothing ends it but a timeout or a close.
    pub endless: bool,
}

const UNKNOWN: &[i32] = &[abi::OUTCOME_UNKNOWN];
const DONE: &[i32] = &[abi::OK];
const EITHER: &[i32] = &[abi::OK, abi::OUTCOME_UNKNOWN];
const TURNED_AWAY: &[i32] = &[abi::BAD_ANSWER];

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
/// A deletion that is done, as it stands in an answer.
const GOOD: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ClearedThrough":3,"ResultItem":[{"ResultCode":0,"ClearedThrough":3},{"ResultCode":0,"ClearedThrough":2}],"Views":[],"Cursor":"","Complete":1,"Messages":[],"Head":3}"#;

const fn trick(
    name: &'static str,
    deletion: &'static [i32],
    endless: bool,
    answer: fn() -> Answer,
) -> Trick {
    Trick {
        name,
        answer,
        deletion,
        endless,
    }
}

fn say(wire: &mut Wire, parts: &[&[u8]]) {
    for part in parts {
        wire.send(part);
    }
}

/// A whole answer with this status line and body.
fn whole(status: &'static str, body: &str) -> Answer {
    Answer::Http(status, "", body.to_owned())
}

/// On the wire.
pub const WIRE: &[Trick] = &[
    trick("closes", UNKNOWN, false, || Answer::Close),
    trick("resets", UNKNOWN, false, || Answer::Reset),
    trick("stalls", UNKNOWN, true, || {
        Answer::Wire(|wire| wire.stall())
    }),
    trick("stalls in the status line", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[b"HTTP/1.1 2"]);
            wire.stall();
        })
    }),
    trick("stalls in the header", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD, b"Content-Le"]);
            wire.stall();
        })
    }),
    trick("stalls in the body", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD, b"Content-Length: 1000\r\n\r\n{\"Action"]);
            wire.stall();
        })
    }),
    trick("stalls in a chunk", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[HEAD, b"Transfer-Encoding: chunked\r\n\r\n1000\r\n{\"Act"],
            );
            wire.stall();
        })
    }),
    trick("drips", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD, b"Content-Length: 1000000\r\n\r\n"]);
            while wire.send(b" ") {
                wire.wait(Duration::from_millis(20));
            }
        })
    }),
    trick("breaks off in the header", UNKNOWN, false, || {
        Answer::Wire(|wire| say(wire, &[HEAD, b"Content-Le"]))
    }),
    trick("breaks off in the body", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[HEAD, b"Content-Length: 5000\r\n\r\n", GOOD.as_bytes()],
            )
        })
    }),
    trick("breaks off in a chunk", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[
                    HEAD,
                    b"Transfer-Encoding: chunked\r\n\r\nfff\r\n",
                    GOOD.as_bytes(),
                ],
            );
        })
    }),
    trick("ends without the last chunk", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            let size = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", GOOD.len());
            say(wire, &[HEAD, size.as_bytes(), GOOD.as_bytes(), b"\r\n"]);
        })
    }),
    trick("says a length that is too short", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[HEAD, b"Content-Length: 20\r\n\r\n", GOOD.as_bytes()],
            )
        })
    }),
    trick("says a length that is no number", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[HEAD, b"Content-Length: -5\r\n\r\n", GOOD.as_bytes()],
            )
        })
    }),
    trick("says no length at all", EITHER, false, || {
        Answer::Wire(|wire| say(wire, &[HEAD, b"\r\n", GOOD.as_bytes()]))
    }),
    trick("answers too late", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            wire.wait(Duration::from_secs(40));
            let length = format!("Content-Length: {}\r\n\r\n", GOOD.len());
            say(wire, &[HEAD, length.as_bytes(), GOOD.as_bytes()]);
        })
    }),
    trick("is no HTTP", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[b"\x16\x03\x01 \xff\xfe 220 mail.example ESMTP\r\n\r\n"],
            )
        })
    }),
    trick("sends binary noise", UNKNOWN, false, || {
        Answer::Wire(|wire| say(wire, &[&[0_u8, 255, 13, 10, 13, 10, 128].repeat(5000)]))
    }),
    trick("sends headers without end", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD]);
            wire.send_for_ever(b"X-And-So-On: and so on\r\n");
        })
    }),
    trick("sends a header line without end", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD, b"X-Long: "]);
            wire.send_for_ever(&[b'x'; 4096]);
        })
    }),
    trick("says continue for ever", UNKNOWN, true, || {
        Answer::Wire(|wire| wire.send_for_ever(b"HTTP/1.1 100 Continue\r\n\r\n"))
    }),
    trick("sends chunks without end", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD, b"Transfer-Encoding: chunked\r\n\r\n"]);
            while wire.send(b"1\r\n \r\n") {
                wire.wait(Duration::from_millis(1));
            }
        })
    }),
    trick("sends a chunk size that is none", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            say(
                wire,
                &[
                    HEAD,
                    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
                ],
            )
        })
    }),
    trick(
        "sends a chunk size beyond all numbers",
        UNKNOWN,
        false,
        || {
            Answer::Wire(|wire| {
                let size =
                    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}\r\n0\r\n\r\n";
                say(wire, &[HEAD, size]);
            })
        },
    ),
    trick("sends a chunk size without end", UNKNOWN, true, || {
        Answer::Wire(|wire| {
            say(wire, &[HEAD, b"Transfer-Encoding: chunked\r\n\r\n"]);
            wire.send_for_ever(&[b'0'; 1024]);
        })
    }),
    trick("claims gzip", UNKNOWN, false, || {
        let bomb = "\u{1f}\u{8b}\u{8}".repeat(1000);
        Answer::Http("200 OK", "Content-Encoding: gzip\r\n", bomb)
    }),
    trick("redirects for ever", TURNED_AWAY, false, || {
        Answer::Http(
            "307 Temporary Redirect",
            "Location: /v4/again\r\n",
            String::new(),
        )
    }),
    trick("redirects elsewhere", TURNED_AWAY, false, || {
        Answer::Http(
            "308 Permanent Redirect",
            "Location: http://127.0.0.1:9/\r\n",
            String::new(),
        )
    }),
    trick("knows no such page", TURNED_AWAY, false, || {
        whole("404 Not Found", "{}")
    }),
    trick("fails", UNKNOWN, false, || {
        whole("500 Internal Server Error", GOOD)
    }),
    trick("has no content", UNKNOWN, false, || {
        Answer::Http("204 No Content", "", String::new())
    }),
    trick("says a status that is none", UNKNOWN, false, || {
        whole("9999 What", GOOD)
    }),
];

/// In the JSON of any answer.
pub const JSON: &[Trick] = &[
    trick("says nothing", UNKNOWN, false, || whole("200 OK", "")),
    trick("says null", UNKNOWN, false, || whole("200 OK", "null")),
    trick("says a list", UNKNOWN, false, || {
        whole("200 OK", "[1, 2, 3]")
    }),
    trick("says OK with a code", UNKNOWN, false, || {
        whole("200 OK", r#"{"ActionStatus":"OK","ErrorCode":7}"#)
    }),
    trick("says FAIL without a code", UNKNOWN, false, || {
        whole("200 OK", r#"{"ActionStatus":"FAIL","ErrorCode":0}"#)
    }),
    trick("says a code beyond all codes", UNKNOWN, false, || {
        whole(
            "200 OK",
            r#"{"ActionStatus":"FAIL","ErrorCode":99999999999}"#,
        )
    }),
    trick("says a code that is text", UNKNOWN, false, || {
        whole("200 OK", r#"{"ActionStatus":"OK","ErrorCode":"0"}"#)
    }),
    trick("says a code that is a fraction", UNKNOWN, false, || {
        whole("200 OK", r#"{"ActionStatus":"OK","ErrorCode":0.5}"#)
    }),
    trick("says everything twice", UNKNOWN, false, || {
        let twice = r#"{"ActionStatus":"OK","ActionStatus":"OK","ErrorCode":0,"ErrorCode":0}"#;
        whole("200 OK", twice)
    }),
    trick("nests without end", UNKNOWN, false, || {
        whole("200 OK", &"[".repeat(1_000_000))
    }),
    trick("nests in a field that nobody reads", EITHER, false, || {
        let nest = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        whole("200 OK", &format!("{{\"X\":{nest},{}", &GOOD[1..]))
    }),
    trick("is not UTF-8", UNKNOWN, false, || {
        Answer::Wire(|wire| {
            let body = b"{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\xff\xfe\"}";
            let length = format!("Content-Length: {}\r\n\r\n", body.len());
            say(wire, &[HEAD, length.as_bytes(), body]);
        })
    }),
    trick("goes on after the end", UNKNOWN, false, || {
        whole("200 OK", &format!("{GOOD}{GOOD}"))
    }),
];

/// In the fields of an answer to a deletion.
pub const FIELDS: &[Trick] = &[
    trick("cleared a negative position", UNKNOWN, false, || {
        cleared("-1")
    }),
    trick("cleared a position that is text", UNKNOWN, false, || {
        cleared("\"3\"")
    }),
    trick("cleared beyond all numbers", UNKNOWN, false, || {
        cleared("1e99")
    }),
    trick("cleared the last number", EITHER, false, || {
        cleared("18446744073709551615")
    }),
    trick("cleared nothing", EITHER, false, || cleared("null")),
    trick("cleared for sure", DONE, false, || cleared("3")),
];

fn cleared(position: &str) -> Answer {
    let result = format!("{{\"ResultCode\":0,\"ClearedThrough\":{position}}}");
    whole(
        "200 OK",
        &format!(
            "{{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ClearedThrough\":{position},\"ResultItem\":[{result},{result}]}}"
        ),
    )
}

/// In the results of a list of two deletions.
pub const RESULTS: &[Trick] = &[
    trick("has no results", UNKNOWN, false, || results("[]")),
    trick("has one result of two", UNKNOWN, false, || {
        results("[{\"ResultCode\":0}]")
    }),
    trick("has a result too many", UNKNOWN, false, || {
        results("[{\"ResultCode\":0},{\"ResultCode\":0},{\"ResultCode\":0}]")
    }),
    trick("has results that are null", UNKNOWN, false, || {
        results("null")
    }),
    trick("has results that are none", UNKNOWN, false, || {
        results("[7, \"x\"]")
    }),
    trick("has results without a code", UNKNOWN, false, || {
        results("[{}, {}]")
    }),
    trick(
        "has results with codes beyond all codes",
        UNKNOWN,
        false,
        || results("[{\"ResultCode\":99999999999},{\"ResultCode\":0}]"),
    ),
];

fn results(list: &str) -> Answer {
    let body = format!("{{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ResultItem\":{list}}}");
    whole("200 OK", &body)
}
