//! What a chat looks like once `:edit` has read its buffer again.

use gpt_nvim::history::Part;

use crate::common::*;
use crate::history_asked::{home_of, long, patient};
use crate::support::server::Server;

/// `colours()`: where the text is highlighted.
const COLOURS: &str = "function _G.colours()
  local space = vim.api.nvim_get_namespaces()['gpt.highlight']
  return vim.tbl_map(function(mark)
    return { mark[2], mark[3], mark[4].end_row, mark[4].end_col, mark[4].hl_group }
  end, vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }))
end";

#[tokio::test]
async fn every_message_of_a_chat_that_is_read_again_gets_its_colours_back_and_no_others() {
    let mut chat = long(200);
    for message in chat.messages.iter_mut().skip(1).step_by(2) {
        message.parts = vec![Part::text("an `answer`")];
    }
    let (home, server) = (home_of([chat]).await, Server::start(Vec::new()).await);
    let nvim = patient(&server, &home, "").init(COLOURS).start().await;
    nvim.command("edit gpt://chat/long").await;
    chat_holds(&nvim, "an `answer`").await;
    // The last message comes first, so that the first one is the last to be highlighted.
    let all = "_G.before = colours() return #before > 0 and before[1][1] < 10";
    nvim.wait_lua(all).await;
    for _ in 0..2 {
        nvim.command("silent edit").await;
        nvim.wait_lua("return vim.deep_equal(colours(), before)").await;
    }
    clean(&nvim).await;
}
