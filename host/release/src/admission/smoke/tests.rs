//! Requests of all kinds, good answers and bad ones.

use super::*;

const FULL: &str = r#"
[[requests]]
name = "it lists"
path = "/todos?x=1"
headers = { accept = "application/json" }
expect = { headers = { content-type = "^application/json" }, body = '^\[', max_duration = "50ms" }

[[requests]]
method = "POST"
path = "/pay"
body = "{}"
[requests.expect]
status = 201
calls = ["POST https://api.example.com/charge?key=secret"]

[[outbound]]
method = "POST"
url = "https://api.example.com/charge*"
body = "ok"
"#;

fn answer(status: u16, body: &'static str) -> Seen {
    let headers = [(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Seen {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.into_iter().collect(),
        body: body.into(),
        ..Seen::default()
    }
}

#[test]
fn a_file_is_read_with_its_defaults() {
    let requests = Requests::parse(FULL.as_bytes()).unwrap();
    let names: Vec<_> = requests.requests.iter().map(|request| request.name.as_str()).collect();
    assert_eq!(names, ["it lists", "POST /pay"]);
    assert_eq!(
        (requests.requests[0].method.clone(), requests.requests[0].expect.status.as_u16()),
        (Method::GET, 200)
    );
    assert_eq!((requests.outbound[0].status.as_u16(), requests.outbound[0].body.as_ref()), (200, &b"ok"[..]));
}

#[test]
fn a_good_answer_is_good_and_a_bad_one_is_told_in_all_its_parts() {
    let requests = Requests::parse(FULL.as_bytes()).unwrap();
    let list = &requests.requests[0];
    assert_eq!(list.judge(&answer(200, "[]")), [""; 0]);
    let told = list.judge(&Seen {
        took: Duration::from_millis(51),
        headers: HeaderMap::new(),
        ..answer(200, "{\n}")
    });
    assert_eq!(
        told,
        [
            "it lists: the body does not match \"^\\\\[\"; it was \"{\\n}\"",
            "it lists: the field content-type is not there, and should match \"^application/json\"",
            "it lists: it took 51 ms, more than 50 ms",
        ]
    );
    let told = list.judge(&answer(500, "oh"));
    assert_eq!(told, ["it lists: it answered 500, not 200; the body was \"oh\""]);
    let told = list.judge(&Seen { failure: Some("it broke off".into()), ..answer(200, "[") });
    assert_eq!(told, ["it lists: there was no whole answer: it broke off"]);
    let long = Seen { body: vec![0xff; 10_000].into(), ..answer(200, "") };
    assert!(list.judge(&long)[0].len() < 1_000, "what is shown is short");
}

#[test]
fn outbound_calls_are_those_expected_and_no_others() {
    let requests = Requests::parse(FULL.as_bytes()).unwrap();
    let pay = &requests.requests[1];
    let called =
        |calls: &[&str]| Seen { calls: calls.iter().map(|call| (*call).into()).collect(), ..answer(201, "") };
    let wanted = "POST https://api.example.com/charge?";
    assert_eq!(pay.judge(&called(&[wanted])), [""; 0]);
    for calls in [&[][..], &["GET https://api.example.com/charge?"], &[wanted, wanted]] {
        assert!(pay.judge(&called(calls))[0].contains("it should call POST"), "{calls:?}");
    }
    let flood = Seen { further: 3, ..called(&[wanted]) };
    assert_eq!(pay.judge(&flood), ["POST /pay: it made 3 calls beyond those that are looked at"]);
    let refused = Seen { refused: vec!["GET https://evil.test/".into()], ..called(&[wanted]) };
    assert!(pay.judge(&refused)[0].contains("it called GET https://evil.test/, which nothing answers"));
}

#[test]
fn broken_files_are_told_by_line() {
    let bomb = format!("[[requests]]\npath='/'\nexpect={{body='{}'}}", "(a{1000}){1000}".repeat(3));
    let many = "[[requests]]\npath='/'\n".repeat(101);
    let fields: Vec<_> = (0..17).map(|number| format!("x-{number}='a'")).collect();
    let fields = format!("[[requests]]\npath='/'\nexpect={{headers={{{}}}}}", fields.join(","));
    let full = "[[requests]]\npath='/'\nexpect={headers={a='a',b='b'},body='c'}\n".repeat(67);
    for (text, reason) in [
        ("", "0 requests"),
        ("[[requests]]", "requests[0].path: found nothing"),
        ("[[requests]]\npath='health'", "requests.toml:2: error: requests[0].path"),
        ("[[requests]]\npath='http://a/'", "requests[0].path"),
        ("[[requests]]\npath='/'\nmethod='get'", "in capitals"),
        ("[[requests]]\npath='/'\nexpected={}", "an unknown key"),
        ("[[requests]]\npath='/'\nexpect={status=99}", "expect.status"),
        ("[[requests]]\npath='/'\nexpect={body='('}", "expect.body: found regex parse error"),
        ("[[requests]]\npath='/'\nexpect={headers={'a b'='x'}}", "names of header fields"),
        ("[[requests]]\npath='/'\n[[outbound]]\nurl='ftp://x'", "outbound[0].url"),
        ("[[requests]]\npath='/'\nheaders={a=\"x\\ny\"}", "requests[0].headers"),
        (&bomb, "expect.body"),
        (&many, "101 requests"),
        (&fields, "found 17 fields; allowed: at most 16"),
        (&full, "a pattern beyond 200 of one file"),
    ] {
        let told = Requests::parse(text.as_bytes()).unwrap_err().join("\n");
        assert!(told.contains(reason), "{reason}: {told}");
    }
    assert!(Requests::parse(&[0xff]).is_err());
}

#[test]
fn a_pattern_that_others_choke_on_is_compared_in_linear_time() {
    let text = "[[requests]]\npath='/'\nexpect={body='^(a|aa)+$'}";
    let requests = Requests::parse(text.as_bytes()).unwrap();
    let long = Seen { body: [vec![b'a'; 1 << 20], b"b".to_vec()].concat().into(), ..answer(200, "") };
    let start = std::time::Instant::now();
    assert_eq!(requests.requests[0].judge(&long).len(), 1);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
