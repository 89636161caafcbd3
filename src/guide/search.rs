//! Finds the sections of the manual that fit a question: BM25 over stemmed words, with synonyms.

use std::collections::HashMap;

use super::manual::Section;
use super::words::{once, synonyms, words};

/// How often a word of a tag counts, a word of the body counting once.
const TAG_WEIGHT: f32 = 3.0;
/// How often a word of a heading counts.
const HEADING_WEIGHT: f32 = 5.0;
/// What a synonym is worth beside the word itself.
const SYNONYM_WEIGHT: f32 = 0.8;
/// What a section gains that has several synonyms of one word, beside the best of them.
const FURTHER_VARIANTS: f32 = 0.3;
/// What the sections on errors are worth beside the others: a question is rather about how to do a thing.
const ERROR_PRIOR: f32 = 0.8;
/// BM25's saturation of repeated words.
const K1: f32 = 3.0;
/// BM25's weight of a section's length.
const B: f32 = 0.6;

/// A section that fits a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The section's place in the manual.
    pub section: usize,
    /// How well it fits; comparable within one question only.
    pub score: f32,
    /// The part of the question's weight that the section knows, 0 to 1.
    pub coverage: f32,
}

/// The words of the manual, ready for questions.
#[derive(Debug)]
pub struct Index {
    documents: Vec<Document>,
    /// The sections by their tags in lower case.
    tags: HashMap<String, usize>,
    /// In how many sections a word stands.
    frequency: HashMap<String, u32>,
    average_length: f32,
    synonyms: HashMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Document {
    weights: HashMap<String, f32>,
    length: f32,
    /// What its score is multiplied by.
    prior: f32,
}

impl Index {
    /// Indexes the sections of a manual.
    #[must_use]
    pub fn new(sections: &[Section]) -> Self {
        let documents: Vec<Document> = sections.iter().map(Document::new).collect();
        let mut frequency = HashMap::new();
        for word in documents.iter().flat_map(|document| document.weights.keys()) {
            *frequency.entry(word.clone()).or_insert(0) += 1;
        }
        let total: f32 = documents.iter().map(|document| document.length).sum();
        let average_length = (total / documents.len().max(1) as f32).max(1.0);
        let by_tag = |(at, section): (usize, &Section)| -> Vec<(String, usize)> {
            section.tags.iter().map(|tag| (tag.to_lowercase(), at)).collect()
        };
        let tags = sections.iter().enumerate().flat_map(by_tag).collect();
        Self {
            documents,
            tags,
            frequency,
            average_length,
            synonyms: synonyms(),
        }
    }

    /// The sections that share a word with the question, the best first.
    #[must_use]
    pub fn search(&self, question: &str) -> Vec<Hit> {
        let terms: Vec<Term> = once(question).into_iter().map(|word| self.term(word)).collect();
        let total: f32 = terms.iter().map(|term| term.weight).sum();
        let named = self.named(question);
        let mut hits: Vec<Hit> = self
            .documents
            .iter()
            .enumerate()
            .map(|(section, document)| self.rate(section, document, &terms, total))
            .filter(|hit| hit.score > 0.0)
            .collect();
        hits.retain(|hit| Some(hit.section) != named);
        hits.extend(named.map(|section| Hit {
            section,
            score: f32::MAX,
            coverage: 1.0,
        }));
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.section.cmp(&b.section)));
        hits
    }

    /// The section whose tag the question names, as in `what is gpt-log-file` or `:GPT stop`; a word with #, `#diff` say,
    /// names that on context words.
    fn named(&self, question: &str) -> Option<usize> {
        let lower = question.to_lowercase();
        let chunks: Vec<&str> = lower
            .split_whitespace()
            .map(|word| word.trim_matches(['`', '|', '"', '?', ',']))
            .collect();
        let pairs = chunks.windows(2).map(|pair| pair.join("-"));
        let singles = chunks.iter().map(|&word| word.to_owned());
        let names = pairs
            .chain(singles)
            .filter(|name| name.contains([':', '-', '.', '$', '<']));
        let named = names.filter_map(|name| self.tags.get(&name).copied()).next();
        let is_context = |word: &&str| {
            word.strip_prefix('#')
                .is_some_and(|rest| rest.starts_with(char::is_alphabetic))
        };
        named.or_else(|| {
            self.tags
                .get("gpt-words")
                .copied()
                .filter(|_| chunks.iter().any(is_context))
        })
    }

    fn rate(&self, section: usize, document: &Document, terms: &[Term], total: f32) -> Hit {
        let mut hit = Hit {
            section,
            score: 0.0,
            coverage: 0.0,
        };
        for term in terms {
            let scores = term
                .variants
                .iter()
                .map(|(word, worth)| worth * self.bm25(document, word));
            let (best, sum) = scores.fold((0.0_f32, 0.0), |(best, sum), score| (best.max(score), sum + score));
            if best > 0.0 {
                hit.score += best + (sum - best) * FURTHER_VARIANTS;
                hit.coverage += term.weight / total;
            }
        }
        hit.score *= document.prior;
        hit
    }

    fn bm25(&self, document: &Document, word: &str) -> f32 {
        let Some(count) = document.weights.get(word) else {
            return 0.0;
        };
        let length = 1.0 - B + B * document.length / self.average_length;
        self.rarity(word) * count * (K1 + 1.0) / (count + K1 * length)
    }

    /// The inverse document frequency; highest for a word that the manual does not know.
    fn rarity(&self, word: &str) -> f32 {
        let with = self.frequency.get(word).copied().unwrap_or(0) as f32;
        (1.0 + (self.documents.len() as f32 - with + 0.5) / (with + 0.5)).ln()
    }

    fn term(&self, word: String) -> Term {
        let others = self
            .synonyms
            .get(&word)
            .into_iter()
            .flatten()
            .map(|other| (other.clone(), SYNONYM_WEIGHT));
        let mut variants: Vec<(String, f32)> = others.collect();
        variants.push((word, 1.0));
        let weight = variants
            .iter()
            .map(|(word, _)| self.rarity(word))
            .fold(f32::INFINITY, f32::min);
        Term { variants, weight }
    }
}

/// A word of the question: itself and its synonyms, each with its worth.
struct Term {
    variants: Vec<(String, f32)>,
    weight: f32,
}

impl Document {
    fn new(section: &Section) -> Self {
        let is_error = section.tags.first().is_some_and(|tag| tag.starts_with("gpt-error-"));
        let mut document = Self {
            prior: if is_error { ERROR_PRIOR } else { 1.0 },
            ..Self::default()
        };
        let body = words(&section.body);
        document.length = body.len() as f32;
        document.add(body, 1.0);
        document.add(once(&section.heading), HEADING_WEIGHT);
        document.add(once(&section.tags.join(" ")), TAG_WEIGHT);
        document
    }

    fn add(&mut self, words: impl IntoIterator<Item = String>, weight: f32) {
        for word in words {
            *self.weights.entry(word).or_insert(0.0) += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(heading: &str, tag: &str, body: &str) -> Section {
        Section {
            heading: heading.into(),
            tags: vec![tag.into()],
            body: body.into(),
        }
    }

    #[test]
    fn a_heading_outweighs_the_body() {
        let sections = [
            section("Colours", "c", "the log the log log"),
            section("The log", "l", "a file of lines"),
        ];
        let hits = Index::new(&sections).search("where is the log?");
        assert_eq!(hits.first().map(|hit| hit.section), Some(1));
    }

    #[test]
    fn a_synonym_finds_what_the_manual_calls_otherwise() {
        let sections = [
            section("Closing", "gpt-close", "Press q."),
            section("Sending", "gpt-send", "Press s."),
        ];
        let hits = Index::new(&sections).search("quit");
        assert_eq!(hits.first().map(|hit| hit.section), Some(0));
    }

    #[test]
    fn unknown_words_lower_the_coverage() {
        let sections = [
            section("Closing", "gpt-close", "Press q."),
            section("Sending", "gpt-send", "Press s."),
        ];
        let index = Index::new(&sections);
        assert!(index.search("close")[0].coverage > 0.99);
        assert!(index.search("close zebra giraffe")[0].coverage < 0.5);
        assert_eq!(index.search("zebra"), []);
    }

    #[test]
    fn an_empty_manual_has_no_answers() {
        assert_eq!(Index::new(&[]).search("close"), []);
    }
}
