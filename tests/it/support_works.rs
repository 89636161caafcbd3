//! The tests' own tools do what they say. Nothing here needs the plugin.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::answer::{Answer, Step};
use crate::support::nvim::{Home, Nvim};
use crate::support::screen::Screen;
use crate::support::server::{Refusing, Server};
use crate::support::{process, wait};

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// A client so plain that it shows each byte of the server's.
struct Client(TcpStream);

impl Client {
    async fn connect(server: &Server) -> Client {
        Client(TcpStream::connect(server.address()).await.unwrap())
    }

    async fn ask(server: &Server, request: &str) -> Client {
        let mut client = Client::connect(server).await;
        client.send(request).await;
        client
    }

    async fn send(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    async fn until(&mut self, end: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(end.as_bytes()) {
            let byte = wait::within(wait::LIMIT, &format!("{end:?} after {seen:?}"), self.0.read_u8()).await;
            seen.push(byte.unwrap());
        }
        String::from_utf8(seen).unwrap()
    }

    async fn rest(&mut self) -> std::io::Result<String> {
        let mut seen = String::new();
        wait::within(
            wait::LIMIT,
            "the end of the connection",
            self.0.read_to_string(&mut seen),
        )
        .await?;
        Ok(seen)
    }
}

/// The message of the panic that the task ends with.
async fn panic_of<F>(task: F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let payload = tokio::spawn(task).await.expect_err("a panic").into_panic();
    *payload.downcast::<String>().expect("a panic with a formatted message")
}

#[tokio::test]
async fn the_server_sends_the_bytes_of_its_script_and_nothing_else() {
    let server = Server::start(Answer::new([
        Step::bytes("HTTP/1.1 200 OK\r"),
        Step::bytes("\nraw"),
        Step::Close,
    ]))
    .await;
    let mut client = Client::ask(&server, GET).await;
    assert_eq!(client.rest().await.unwrap(), "HTTP/1.1 200 OK\r\nraw");
    let writes: Vec<_> = server.writes().into_iter().map(|write| write.bytes).collect();
    assert_eq!(writes, [b"HTTP/1.1 200 OK\r".to_vec(), b"\nraw".to_vec()]);
}

#[tokio::test]
async fn the_server_frames_chunks_and_ends_them() {
    let server = Server::start(Answer::sse(&["one", "two\nlines"])).await;
    let mut client = Client::ask(&server, GET).await;
    let answer = client.until("\r\n0\r\n\r\n").await;
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        answer,
        format!("{head}b\r\ndata: one\n\n\r\n17\r\ndata: two\ndata: lines\n\n\r\n0\r\n\r\n")
    );
}

#[tokio::test]
async fn the_server_keeps_a_connection_whose_framing_allows_it() {
    let server = Server::start([
        Answer::chat_tokens(&["a"]),
        Answer::new([Step::Status(204)]),
        Answer::json(401, &json!({ "error": {} })).closing(),
    ])
    .await;
    let mut client = Client::ask(&server, GET).await;
    client.until("\r\n0\r\n\r\n").await;
    client.send(GET).await;
    assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 204 No Content\r\n\r\n");
    client.send(GET).await;
    let last = client.rest().await.unwrap();
    assert!(
        last.starts_with("HTTP/1.1 401 Unauthorized\r\n") && last.contains("\r\nConnection: close\r\n"),
        "{last}"
    );
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_body_of_unknown_length_ends_with_the_connection() {
    let server = Server::start(Answer::new([Step::Status(200), Step::bytes("to the end")])).await;
    let answer = Client::ask(&server, GET).await.rest().await.unwrap();
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end");
}

#[tokio::test]
async fn the_server_waits_at_a_gate_between_tokens_until_the_test_opens_it() {
    let server = Server::start(Answer::chat_tokens(&["first", "second"]).gate_before_token(1, "second")).await;
    let mut client = Client::ask(&server, GET).await;
    client.until("first\"},\"finish_reason\":null,\"index\":0}]").await;
    server.reached("second").await;
    let sent = server
        .writes()
        .iter()
        .map(|write| String::from_utf8_lossy(&write.bytes).into_owned())
        .collect::<String>();
    assert!(!sent.contains("\"second\""), "{sent}");
    server.open("second");
    let rest = client.until("\r\n0\r\n\r\n").await;
    assert!(
        rest.contains("\"second\"") && rest.contains("\"completion_tokens\":2") && rest.contains("data: [DONE]"),
        "{rest}"
    );
}

#[tokio::test]
async fn the_server_resets_a_connection_in_the_midst_of_an_answer() {
    let server = Server::start(Answer::chat_tokens(&["a", "b"]).cut_after_tokens(1, Step::Reset)).await;
    let mut client = Client::ask(&server, GET).await;
    let error = client.rest().await.expect_err("a connection that breaks");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_server_sees_the_client_leave_during_a_stall_a_gate_and_a_pause() {
    let hour = Duration::from_secs(3600);
    for step in [Step::Stall, Step::wait_for("never"), Step::Pause(hour)] {
        let server = Server::start(Answer::responses_tokens(&["a"]).cut_after_tokens(1, step)).await;
        let mut client = Client::ask(&server, GET).await;
        client.until("\"delta\":\"a\"").await;
        assert!(!server.is_closed(0));
        let before = Instant::now();
        drop(client);
        let seen = server.closed(0).await;
        assert!(seen >= before && seen <= Instant::now());
    }
}

#[tokio::test]
async fn the_server_records_requests_with_any_framing() {
    let server = Server::start(|request: &crate::support::server::Request| Answer::html(200, &request.path)).await;
    let body = r#"{"stream":true}"#;
    let mut client = Client::connect(&server).await;
    client
        .send(&format!(
            "POST /v1/a?b=c HTTP/1.1\r\nX-Key: k\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    client.until("/v1/a?b=c").await;
    client
        .send("PUT /two HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n")
        .await;
    let (first, second) = (server.next_request().await, server.next_request().await);
    assert_eq!(
        (first.method.as_str(), first.path.as_str(), first.header("x-key")),
        ("POST", "/v1/a?b=c", Some("k"))
    );
    assert_eq!(first.json(), json!({ "stream": true }));
    assert_eq!((second.method.as_str(), second.json()), ("PUT", json!({ "a": 1 })));
    assert_eq!((second.index, second.connection), (1, 0));
    assert!(second.at >= first.at);
}

#[tokio::test]
async fn a_request_beyond_the_script_is_told_so() {
    let server = Server::start(Vec::new()).await;
    let answer = Client::ask(&server, GET).await.until("for request 0.").await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
}

#[tokio::test]
async fn a_responses_stream_numbers_its_events_from_created_to_completed() {
    let answer = Answer::responses_tokens(&["Hel", "lo"]);
    let data = answer.steps.iter().filter_map(|step| match step {
        Step::Chunk(bytes) => String::from_utf8_lossy(bytes)
            .split_once("data: ")
            .map(|(_, json)| json.to_owned()),
        _ => None,
    });
    let events: Vec<serde_json::Value> = data.map(|json| serde_json::from_str(&json).unwrap()).collect();
    assert!(
        events
            .iter()
            .enumerate()
            .all(|(n, event)| event["sequence_number"] == json!(n))
    );
    assert_eq!(events.first().unwrap()["type"], "response.created");
    let last = &events.last().unwrap()["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(last["usage"]["output_tokens"], 2);
}

#[tokio::test]
async fn a_refusing_port_refuses_connections() {
    let refusing = Refusing::start();
    let error = TcpStream::connect(refusing.address()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn the_screen_shows_what_was_typed() {
    let nvim = Nvim::builder().size(60, 10).start().await;
    nvim.feed("ihello <lt>there>").await;
    let screen = nvim.wait_screen_contains("hello <there>\n~").await;
    assert!(screen.contains("-- INSERT --"), "{screen}");
    let state = nvim.screen_state();
    assert_eq!(
        (state.size(), state.cursor(), state.mode()),
        ((60, 10), (0, 13), "insert")
    );
    assert_eq!(nvim.lines(0).await, ["hello <there>"]);
}

#[tokio::test]
async fn wide_characters_take_two_cells() {
    let nvim = Nvim::builder().start().await;
    nvim.feed("i日本x").await;
    nvim.wait_screen_contains("日本x\n").await;
    let screen = nvim.screen_state();
    assert_eq!((screen.find("x"), screen.cursor()), (Some((0, 4)), (0, 5)));
    assert_eq!(screen.cell(0, 1).unwrap().text, "");
}

#[tokio::test]
async fn a_float_lies_over_the_text_in_its_own_highlight() {
    let nvim = Nvim::builder().start().await;
    nvim.lua(
        "vim.cmd.highlight('NormalFloat guifg=#112233 guibg=#445566')
         local buffer = vim.api.nvim_create_buf(false, true)
         vim.api.nvim_buf_set_lines(buffer, 0, -1, true, { 'in a float' })
         vim.api.nvim_open_win(buffer, false, { relative = 'editor', row = 3, col = 5, width = 12, height = 1, border = 'single' })",
        &[],
    )
    .await;
    nvim.wait_screen_contains("│in a float  │").await;
    let screen = nvim.screen_state();
    let (row, column) = screen.find("in a float").unwrap();
    assert_eq!((row, column), (4, 6));
    let highlight = screen.highlight_at(row, column);
    assert_eq!(
        (highlight.foreground, highlight.background),
        (Some(0x11_2233), Some(0x44_5566))
    );
    assert!(
        highlight.groups.iter().any(|group| group == "NormalFloat"),
        "{highlight:?}"
    );
}

#[tokio::test]
async fn the_screen_follows_scrolling_and_resizing() {
    let nvim = Nvim::builder().size(40, 8).start().await;
    nvim.lua("for n = 1, 50 do vim.fn.setline(n, 'line ' .. n) end", &[])
        .await;
    nvim.wait_screen(|screen| screen.starts_with("line 1\nline 2\n")).await;
    nvim.feed("<C-e><C-e><C-e>").await;
    nvim.wait_screen(|screen| screen.starts_with("line 4\nline 5\nline 6\nline 7\nline 8\nline 9\n"))
        .await;
    nvim.feed("<C-y>").await;
    nvim.wait_screen(|screen| screen.starts_with("line 3\nline 4\nline 5\nline 6\nline 7\nline 8\n"))
        .await;
    nvim.call("nvim_ui_try_resize", &[30.into(), 5.into()]).await;
    nvim.wait_screen(|screen| !screen.contains("line 7")).await;
    let first = nvim.lua_i64("return vim.fn.line('w0')", &[]).await;
    let expected: Vec<String> = (first..first + 3).map(|n| format!("line {n}")).collect();
    let screen = nvim.screen_state();
    assert_eq!((0..3).map(|row| screen.row(row)).collect::<Vec<_>>(), expected);
    assert_eq!(screen.size(), (30, 5));
}

#[test]
fn a_half_drawn_screen_is_not_shown() {
    use rmpv::Value;
    let event = |name: &str, args: Vec<Value>| Value::Array(vec![name.into(), Value::Array(args)]);
    let cells = Value::Array(vec![
        Value::Array(vec!["a".into(), 7.into(), 2.into()]),
        Value::Array(vec!["b".into()]),
        Value::Array(vec!["c".into(), 0.into()]),
    ]);
    let mut screen = Screen::default();
    let line = event("grid_line", vec![1.into(), 0.into(), 1.into(), cells, false.into()]);
    assert!(!screen.redraw(&[event("grid_resize", vec![1.into(), 6.into(), 2.into()]), line]));
    assert_eq!(screen.text(), "");
    assert!(screen.redraw(&[event("flush", vec![])]));
    assert_eq!(screen.text(), " aabc");
    let ids: Vec<u64> = (0..6).map(|column| screen.cell(0, column).unwrap().highlight).collect();
    assert_eq!(ids, [0, 7, 7, 7, 0, 0]);
}

#[tokio::test]
async fn a_wait_that_fails_tells_the_place_the_screen_the_messages_and_the_log() {
    let message = panic_of(async {
        let nvim = Nvim::builder().start().await;
        fs::create_dir_all(nvim.home().log().parent().unwrap()).unwrap();
        fs::write(nvim.home().log(), "what the binary logged\n").unwrap();
        nvim.feed("ion the screen<Esc>").await;
        nvim.wait_screen_contains("on the screen").await;
        nvim.command("echomsg 'a message'").await;
        nvim.set_limit(Duration::from_millis(200));
        nvim.wait_screen_contains("never shown").await;
    })
    .await;
    for part in [
        "support_works.rs:",
        "never shown",
        "on the screen",
        "a message",
        "what the binary logged",
    ] {
        assert!(message.contains(part), "no {part:?} in\n{message}");
    }
    let message = panic_of(async {
        let nvim = Nvim::builder().start().await;
        nvim.feed("ion the screen").await;
        nvim.wait_screen_contains("on the screen").await;
        nvim.set_limit(Duration::from_millis(200));
        nvim.wait_lua("return vim.g.never").await;
    })
    .await;
    assert!(
        message.contains("vim.g.never") && message.contains("on the screen"),
        "{message}"
    );
}

#[tokio::test]
async fn a_call_to_a_blocked_editor_fails_in_time_and_shows_why() {
    let message = panic_of(async {
        let nvim = Nvim::builder().start().await;
        nvim.feed(":call getchar()<CR>r").await;
        nvim.feed(":echo \"one\\ntwo\"<CR>").await;
        nvim.wait_screen_contains("Press ENTER").await;
        nvim.set_limit(Duration::from_millis(200));
        nvim.lua("return 1", &[]).await;
    })
    .await;
    assert!(
        message.contains("no answer within") && message.contains("Press ENTER"),
        "{message}"
    );
}

#[tokio::test]
async fn waiting_for_an_editor_that_has_ended_fails_at_once() {
    let start = Instant::now();
    for by_screen in [true, false] {
        let message = panic_of(async move {
            let nvim = Nvim::builder().start().await;
            nvim.kill9().await;
            match by_screen {
                true => drop(nvim.wait_screen_contains("never shown").await),
                false => drop(nvim.lua("return 1", &[]).await),
            }
        })
        .await;
        assert!(message.contains("the connection to the editor is lost"), "{message}");
    }
    assert!(start.elapsed() < wait::LIMIT);
}

#[tokio::test]
async fn an_error_in_lua_fails_the_test_unless_it_is_asked_for() {
    let nvim = Nvim::builder().start().await;
    assert!(
        nvim.try_lua("error('on purpose')", &[])
            .await
            .unwrap_err()
            .contains("on purpose")
    );
    let message = panic_of(async move { nvim.command("throw 'also on purpose'").await }).await;
    assert!(message.contains("also on purpose"), "{message}");
}

#[tokio::test]
async fn lua_answers_in_the_types_that_were_asked_for() {
    let nvim = Nvim::builder().start().await;
    assert_eq!(nvim.lua_string("return 'a' .. ...", &["b".into()]).await, "ab");
    assert_eq!(nvim.lua_i64("return 40 + ...", &[2.into()]).await, 42);
    assert!(nvim.lua_bool("return true", &[]).await);
    assert_eq!(nvim.lua_lines("return { 'a', 'b' }", &[]).await, ["a", "b"]);
    nvim.command("echomsg 'kept'").await;
    assert_eq!(nvim.messages().await, "kept");
}

#[tokio::test]
async fn plugins_load_after_the_configuration_is_set() {
    let home = Home::new();
    let plugin = home.write("a, plugin/plugin/gpt.lua", "vim.g.seen_by_plugin = vim.g.gpt");
    let root = plugin.parent().unwrap().parent().unwrap();
    let start = Nvim::builder()
        .home(&home)
        .plugin(root)
        .binary("/the/binary")
        .init("vim.g.early = true");
    let nvim = start.clone().config("{ model = 'test/model' }").start().await;
    let seen = nvim
        .lua_string(
            "return vim.g.seen_by_plugin.binary .. ' ' .. vim.g.seen_by_plugin.model",
            &[],
        )
        .await;
    assert_eq!(seen, "/the/binary test/model");
    assert!(nvim.lua_bool("return vim.g.early", &[]).await);
    let nvim = start.config("{ binary = '/another' }").start().await;
    assert_eq!(
        nvim.lua_string("return vim.g.seen_by_plugin.binary", &[]).await,
        "/another"
    );
}

#[tokio::test]
async fn the_editor_under_test_starts_with_this_project_in_its_runtime_path() {
    let nvim = crate::nvim().start().await;
    let first = nvim.lua_string("return vim.opt.runtimepath:get()[1]", &[]).await;
    assert_eq!(first, env!("CARGO_MANIFEST_DIR"));
    assert_eq!(
        nvim.lua_string("return vim.g.gpt.binary", &[]).await,
        env!("CARGO_BIN_EXE_gpt-nvim")
    );
}

#[tokio::test]
async fn the_editor_sees_nothing_of_the_users_environment_or_files() {
    let home = Home::new();
    let file = home.write("notes.txt", "from the file\n");
    let nvim = Nvim::builder()
        .home(&home)
        .env("OPENAI_API_KEY", "sk-test")
        .arg(&file)
        .start()
        .await;
    nvim.wait_screen_contains("from the file").await;
    let paths = "return vim.iter({ 'config', 'data', 'state', 'cache', 'log', 'run' }):map(vim.fn.stdpath):totable()";
    for path in nvim.lua_lines(paths, &[]).await {
        assert!(path.starts_with(home.path().to_str().unwrap()), "{path}");
    }
    let log = nvim.lua_string("return vim.fn.stdpath('log') .. '/gpt.log'", &[]).await;
    assert_eq!(log, home.log().to_str().unwrap());
    let names = nvim.lua_lines("return vim.tbl_keys(vim.fn.environ())", &[]).await;
    let foreign = |name: &&String| name.to_lowercase().ends_with("_proxy") || name.ends_with("_API_KEY");
    assert_eq!(names.iter().filter(foreign).collect::<Vec<_>>(), ["OPENAI_API_KEY"]);
}

#[tokio::test]
async fn a_second_client_talks_to_the_same_editor() {
    let nvim = Nvim::builder().start().await;
    let other = nvim.second_client().await;
    other
        .lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'from the other' })", &[])
        .await;
    nvim.wait_screen_contains("from the other").await;
    assert_eq!(nvim.wait_lines(0, |lines| lines.len() == 1).await, other.lines(0).await);
}

#[tokio::test]
async fn processes_are_found_measured_and_killed_with_the_editor_that_started_them() {
    let nvim = Nvim::builder().start().await;
    nvim.lua(
        "vim.fn.jobstart({ 'sleep', '600' }); vim.fn.jobstart({ 'sleep', '600' }, { detach = true })",
        &[],
    )
    .await;
    let children = nvim.children();
    assert_eq!(children.len(), 2);
    let before = nvim.cpu_time(nvim.pid());
    nvim.lua("local start = os.clock(); while os.clock() - start < 0.05 do end", &[])
        .await;
    let used = nvim.cpu_time(nvim.pid()) - before;
    assert!(
        used > Duration::ZERO && process::resident_bytes(nvim.pid()) > 1 << 20,
        "{used:?}"
    );
    assert!(!nvim.kill9().await.success());
    assert!(!nvim.is_running());
    let detached = children[1].max(children[0]);
    assert!(process::alive(detached));
    drop(nvim);
    wait::until("the orphans are gone", || {
        !children.iter().any(|pid| process::alive(*pid))
    })
    .await;
}

#[tokio::test]
async fn quitting_ends_the_editor_and_leaves_its_home_to_the_next() {
    let home = Home::new();
    let nvim = Nvim::builder().home(&home).start().await;
    nvim.lua("vim.fn.mkdir(vim.fn.stdpath('data'), 'p')", &[]).await;
    nvim.lua("vim.fn.writefile({ 'kept' }, vim.fn.stdpath('data') .. '/file')", &[])
        .await;
    assert!(nvim.quit().await.success());
    let next = Nvim::builder().home(&home).start().await;
    assert_eq!(
        next.lua_lines("return vim.fn.readfile(vim.fn.stdpath('data') .. '/file')", &[])
            .await,
        ["kept"]
    );
}
