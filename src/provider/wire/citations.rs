//! Reads the sources that a model names, as the wires bring them. Every field may be missing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::lenient::{Count, Reads, Text, default_for};
use crate::provider::{Citation, Event};

/// The most sources that are told of one answer.
const MOST: usize = 200;
/// The longest address that is a link, in bytes: a longer one is cut by those who would follow it.
const LONGEST_ADDRESS: usize = 2_000;
/// The longest title that is kept, in characters.
const LONGEST_TITLE: usize = 300;
/// How much of a quoted text stands for a document without a title, in characters.
const LONGEST_QUOTE: usize = 60;

/// One source: OpenAI's `url_citation`, `file_citation` and `container_file_citation`; Anthropic's
/// `web_search_result_location`, `search_result_location` and places in documents; Gemini's grounding and retrieved
/// addresses; search results of Perplexity's and others.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Source<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    /// Gemini.
    #[serde(borrow)]
    uri: Text<'a>,
    /// Zhipu.
    #[serde(borrow)]
    link: Text<'a>,
    /// Gemini's URL context, with whether it could be read.
    #[serde(borrow, rename = "retrievedUrl")]
    retrieved_url: Text<'a>,
    #[serde(borrow, rename = "urlRetrievalStatus")]
    retrieval_status: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    /// OpenAI's files.
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    file_id: Text<'a>,
    /// Azure's own data.
    #[serde(borrow)]
    filepath: Text<'a>,
    /// Anthropic: of a search result an address or a name.
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    document_title: Text<'a>,
    document_index: Count,
    #[serde(borrow)]
    cited_text: Text<'a>,
}

impl<'a> Source<'a> {
    fn address(&self) -> &str {
        let places = [&self.url, &self.uri, &self.link, &self.retrieved_url, &self.source];
        let links = places.into_iter().map(|place| place.as_str().trim());
        let mut links = links.filter(|place| is_link(place) && place.len() <= LONGEST_ADDRESS);
        links.next().unwrap_or_default()
    }

    /// What it is called; where it has no link, also by what is none.
    fn name(&self, has_link: bool) -> String {
        let names = [&self.title, &self.document_title, &self.filename, &self.filepath];
        let others = [&self.source, &self.url, &self.uri, &self.link, &self.file_id];
        let others = others.into_iter().filter(|_| !has_link);
        let mut given = names.into_iter().chain(others).map(|name| name.as_str().trim());
        match given.find(|name| !name.is_empty()) {
            Some(name) => name.chars().take(LONGEST_TITLE).collect(),
            None if has_link || self.cited_text.is_empty() => self.numbered(),
            None => self.quoted(),
        }
    }

    /// A document without a name, by its number.
    fn numbered(&self) -> String {
        let number = self.document_index.0.map(|index| index.saturating_add(1));
        number.map_or_else(String::new, |number| format!("#{number}"))
    }

    fn quoted(&self) -> String {
        let mut quote: String = self.cited_text.as_str().trim().chars().take(LONGEST_QUOTE).collect();
        if self.cited_text.as_str().trim().chars().nth(LONGEST_QUOTE).is_some() {
            quote.push('…');
        }
        format!("“{quote}”")
    }

    /// Whether the provider says that it could not read it.
    fn is_unread(&self) -> bool {
        let status = self.retrieval_status.as_str();
        !status.is_empty() && !status.ends_with("SUCCESS")
    }
}

/// Whether a text is an address that may be a link.
pub(crate) fn is_link(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// A source, or its address alone.
#[derive(Debug, Default)]
pub(crate) struct Link<'a>(pub(crate) Source<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Link<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<Link<'a>> {
    type Value = Link<'a>;
    default_for!(bool number null seq);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a source or its address")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Link<'a>, E> {
        let url = Text(text.to_owned().into());
        Ok(Link(Source {
            url,
            ..Source::default()
        }))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Link<'a>, A::Error> {
        Source::deserialize(MapAccessDeserializer::new(map)).map(Link)
    }
}

/// The sources of an answer so far: some servers send all of them with every frame.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    known: Vec<(String, String)>,
}

impl Sources {
    /// Hands a source on, unless it was before or says nothing. Only what begins with http is an address.
    pub(crate) fn add(&mut self, source: &Source<'_>, out: &mut Vec<Event>) {
        let url = source.address();
        let title = source.name(!url.is_empty());
        if (url.is_empty() && title.is_empty()) || source.is_unread() || self.known.len() >= MOST {
            return;
        }
        // A page is one source whatever it is called; a file is told from another by its id.
        let key = match url {
            "" => (source.file_id.as_str().to_owned(), title.clone()),
            url => (url.to_owned(), String::new()),
        };
        if self.known.contains(&key) {
            return;
        }
        self.known.push(key);
        out.push(Event::Citation(Citation {
            url: url.to_owned(),
            title,
        }));
    }

    /// Hands on a source of which only these are known.
    pub(crate) fn add_named(&mut self, url: &Text<'_>, title: &Text<'_>, out: &mut Vec<Event>) {
        let (url, title) = (url.clone(), title.clone());
        let source = Source {
            url,
            title,
            ..Source::default()
        };
        self.add(&source, out);
    }

    /// Hands on all of these.
    pub(crate) fn add_all(&mut self, links: &[Link<'_>], out: &mut Vec<Event>) {
        for Link(source) in links {
            self.add(source, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sources: &[&str]) -> Vec<(String, String)> {
        let (mut known, mut out) = (Sources::default(), Vec::new());
        for source in sources {
            let Link(source) = serde_json::from_str(source).unwrap();
            known.add(&source, &mut out);
        }
        let citation = |event| match event {
            Event::Citation(Citation { url, title }) => (url, title),
            other => panic!("{other:?}"),
        };
        out.into_iter().map(citation).collect()
    }

    fn one(source: &str) -> (String, String) {
        told(&[source]).pop().unwrap_or_default()
    }

    fn is(url: &str, title: &str) -> (String, String) {
        (url.to_owned(), title.to_owned())
    }

    #[test]
    fn every_providers_shape_of_a_source_is_read() {
        for (source, url, title) in [
            (r#""https://a.example""#, "https://a.example", ""),
            (r#"{"url":"https://a.example","title":"A"}"#, "https://a.example", "A"),
            (r#"{"uri":"https://a.example","title":"A"}"#, "https://a.example", "A"),
            (r#"{"link":"https://a.example"}"#, "https://a.example", ""),
            (
                r#"{"type":"file_citation","file_id":"f1","filename":"a.pdf"}"#,
                "",
                "a.pdf",
            ),
            (
                r#"{"type":"container_file_citation","container_id":"c","file_id":"f1"}"#,
                "",
                "f1",
            ),
            (
                r#"{"type":"char_location","document_title":"My Document","cited_text":"x"}"#,
                "",
                "My Document",
            ),
            (
                r#"{"type":"char_location","document_title":null,"cited_text":" x "}"#,
                "",
                "“x”",
            ),
            (r#"{"type":"page_location","document_index":1}"#, "", "#2"),
            (
                r#"{"source":"https://a.example","title":"A"}"#,
                "https://a.example",
                "A",
            ),
            (r#"{"source":"handbook","title":null}"#, "", "handbook"),
            (
                r#"{"retrievedUrl":"https://a.example","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_SUCCESS"}"#,
                "https://a.example",
                "",
            ),
            (
                r#"{"retrievedUrl":"https://a.example","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_ERROR"}"#,
                "",
                "",
            ),
            ("{}", "", ""),
            ("7", "", ""),
        ] {
            assert_eq!(one(source), is(url, title), "{source}");
        }
    }

    #[test]
    fn only_http_is_a_link() {
        for address in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "gs://bucket/x",
            "data:text/html,x",
            "//a.example",
        ] {
            let source = format!(r#"{{"url":"{address}","title":"A"}}"#);
            assert_eq!(one(&source), is("", "A"), "{address}");
            assert_eq!(one(&format!(r#""{address}""#)), is("", address));
        }
        let long = format!("https://a.example/{}", "x".repeat(3_000));
        let (url, title) = one(&format!(r#""{long}""#));
        assert!(url.is_empty() && title.chars().count() == LONGEST_TITLE);
    }

    #[test]
    fn a_source_is_told_once_and_two_files_of_one_name_are_two() {
        let page = r#"{"url":"https://a.example","title":"A"}"#;
        let again = r#"{"url":"https://a.example","title":"B"}"#;
        let [one, two] = ["f1", "f2"].map(|id| format!(r#"{{"file_id":"{id}","filename":"a.pdf"}}"#));
        let all = told(&[page, again, &one, &two, &one]);
        assert_eq!(all, [is("https://a.example", "A"), is("", "a.pdf"), is("", "a.pdf")]);
        let many: Vec<String> = (0..1_000).map(|n| format!(r#""https://a.example/{n}""#)).collect();
        assert_eq!(told(&many.iter().map(String::as_str).collect::<Vec<_>>()).len(), MOST);
    }
}
