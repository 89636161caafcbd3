//! Calls of tools and their results: the steps of an answer, in which each call has exactly one result.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Block, Message, ToolCall, ToolResult};

/// What an id begins with that was made here, for a call whose model gave none.
pub const OWN_CALL: &str = "nvim";

/// What a model is told of a call that has no result: it was stopped, or its process died.
pub const NOT_RUN: &str = "(not run)";

/// What a model says until it waits for results, and the results.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step<'a> {
    /// Text, reasoning and calls, in their order.
    pub said: Vec<&'a Block>,
    /// For each of the calls, in their order, what came of it: its text, and whether it failed.
    pub results: Vec<(Cow<'a, str>, bool)>,
}

impl Step<'_> {
    /// The calls of the step.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.said.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

impl Message {
    /// The message as steps. Each call has a result, if only that it was not run; a result without a call is left out.
    #[must_use]
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = vec![Step::default()];
        let mut has_results = false;
        for block in &self.blocks {
            if matches!(block, Block::ToolResult(_)) {
                has_results = true;
                continue;
            }
            let calls = steps.last().is_some_and(|step| step.calls().next().is_some());
            if std::mem::take(&mut has_results) && calls {
                steps.push(Step::default());
            }
            if let Some(step) = steps.last_mut() {
                step.said.push(block);
            }
        }
        let mut results = self.results();
        for step in &mut steps {
            let result = |call: &ToolCall| match results.get_mut(call.id.as_str()).and_then(Vec::pop) {
                Some(result) => (Cow::Borrowed(result.content.as_str()), result.is_error),
                None => (Cow::Borrowed(NOT_RUN), true),
            };
            let of_calls: Vec<_> = step.calls().map(result).collect();
            step.results = of_calls;
        }
        steps.retain(|step| !step.said.is_empty());
        steps
    }

    /// The results by the ids of their calls; the first one is the last of its list.
    fn results(&self) -> HashMap<&str, Vec<&ToolResult>> {
        let mut results: HashMap<&str, Vec<&ToolResult>> = HashMap::new();
        for block in self.blocks.iter().rev() {
            if let Block::ToolResult(result) = block {
                results.entry(&result.call).or_default().push(result);
            }
        }
        results
    }

    /// The calls that have no result yet, in their order.
    #[must_use]
    pub fn open_calls(&self) -> Vec<&ToolCall> {
        let answered: HashSet<&str> = self.blocks.iter().filter_map(result_of).collect();
        self.calls()
            .filter(|call| !answered.contains(call.id.as_str()))
            .collect()
    }

    /// Takes a call out, and its result with it.
    pub fn remove_call(&mut self, id: &str) {
        self.blocks.retain(|block| match block {
            Block::ToolCall(call) => call.id != id,
            block => result_of(block) != Some(id),
        });
    }
}

fn result_of(block: &Block) -> Option<&str> {
    match block {
        Block::ToolResult(result) => Some(&result.call),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Role;

    fn text(text: &str) -> Block {
        Block::Text(text.into())
    }

    fn call(id: &str) -> Block {
        Block::ToolCall(ToolCall {
            id: id.into(),
            name: "read".into(),
            ..ToolCall::default()
        })
    }

    fn result(id: &str, content: &str) -> Block {
        Block::ToolResult(ToolResult {
            call: id.into(),
            content: content.into(),
            is_error: false,
        })
    }

    fn answer(blocks: Vec<Block>) -> Message {
        Message {
            blocks,
            ..Message::said(Role::Assistant, "")
        }
    }

    /// Each step as how many blocks it says, and its results.
    fn steps(message: &Message) -> Vec<(usize, Vec<String>)> {
        let one = |step: Step<'_>| {
            let results = step.results.iter().map(|(text, _)| text.to_string()).collect();
            (step.said.len(), results)
        };
        message.steps().into_iter().map(one).collect()
    }

    #[test]
    fn text_call_result_text_is_two_steps() {
        let said = answer(vec![text("a"), call("1"), result("1", "r"), text("b")]);
        assert_eq!(steps(&said), [(2, vec!["r".to_owned()]), (1, vec![])]);
    }

    #[test]
    fn parallel_calls_are_one_step_with_their_results_in_the_order_of_the_calls() {
        let said = answer(vec![call("1"), call("2"), result("2", "two"), result("1", "one")]);
        assert_eq!(steps(&said), [(2, vec!["one".to_owned(), "two".to_owned()])]);
    }

    #[test]
    fn each_call_has_one_result_whatever_is_missing_or_too_much() {
        let said = answer(vec![
            result("0", "without a call"),
            call("1"),
            call("2"),
            result("2", "two"),
            result("2", "again"),
            text("b"),
        ]);
        assert_eq!(
            steps(&said),
            [(2, vec![NOT_RUN.to_owned(), "two".to_owned()]), (1, vec![])]
        );
        let open: Vec<&str> = said.open_calls().iter().map(|call| call.id.as_str()).collect();
        assert_eq!(open, ["1"]);
    }

    #[test]
    fn a_call_that_is_deleted_takes_its_result_with_it() {
        let mut said = answer(vec![call("1"), call("2"), result("1", "one"), result("2", "two")]);
        said.remove_call("1");
        assert_eq!(said.blocks, [call("2"), result("2", "two")]);
    }
}
