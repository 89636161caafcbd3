//! The sources that a model names, as the wires bring them. Every field may be missing.

use super::lenient::Text;
use super::{Citation, Event};

/// One source: OpenAI's `url_citation`, Anthropic's `web_search_result_location`, a search result of Perplexity's.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Source<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
}

/// The sources of an answer so far: some servers send all of them with every frame.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    known: Vec<String>,
}

impl Sources {
    /// Hands a source on, unless it was before or says nowhere.
    pub(crate) fn add(&mut self, source: &Source<'_>, out: &mut Vec<Event>) {
        self.add_named(source.url.as_str(), source.title.as_str(), out);
    }

    /// Hands on a source that is only an address.
    pub(crate) fn add_url(&mut self, url: &Text<'_>, out: &mut Vec<Event>) {
        self.add_named(url.as_str(), "", out);
    }

    fn add_named(&mut self, url: &str, title: &str, out: &mut Vec<Event>) {
        if url.is_empty() || self.known.iter().any(|known| known == url) {
            return;
        }
        self.known.push(url.to_owned());
        out.push(Event::Citation(Citation {
            url: url.to_owned(),
            title: title.to_owned(),
        }));
    }
}
