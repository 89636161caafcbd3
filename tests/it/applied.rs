//! Actions whose answers are code: `ga` puts it in place of what they were about.

use crate::common::*;
use crate::support::nvim::Home;
use crate::support::server::Server;

#[tokio::test]
async fn what_fix_refactor_and_document_answer_is_applied_to_the_lines_that_they_were_about() {
    for action in ["fix", "refactor", "document"] {
        let server = Server::start(vec![answer("So:\n\n```lua\nlocal new = 1 -- ção\n```")]).await;
        let home = Home::new();
        let path = home.write("f.lua", "local a = 1\nlocal b = 2\nlocal c = 3\n");
        let nvim = configured(&server, "").home(&home).arg(path).start().await;
        nvim.feed(&format!(":2GPT {action}<CR>")).await;
        ended(&nvim, 1).await;
        let asked = conversation(&server.requests()[0]).pop().expect("a question").1;
        // The prompt asks for the code itself, and for all of it.
        assert!(asked.contains("block") && asked.contains("local b = 2"), "{asked}");
        nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'n'")
            .await;
        nvim.feed("ga").await;
        nvim.wait_lua("return vim.api.nvim_buf_get_lines(1, 1, 2, true)[1] == 'local new = 1 -- ção'")
            .await;
        assert_eq!(
            nvim.lines(1).await,
            ["local a = 1", "local new = 1 -- ção", "local c = 3"],
            "{action}"
        );
        clean(&nvim).await;
    }
}
