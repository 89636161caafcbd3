//! Answers of every wire, of texts by chance, cut anywhere and handed over in pieces by chance: each ends once, none that
//! was cut before its stop word is whole, and no text before the cut is lost.

use super::ends::{Piece, WIRES, Wire};
use crate::provider::{ErrorClass, Event, FinishReason, ProviderError};

/// Numbers that look random and are the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit.max(1)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// What texts are made of: signs of one to four bytes, and those that mean something to JSON, markdown or a wire.
const SIGNS: &[&str] = &[
    "a", "word ", "\n", "\n\n", "ção ", "日本", "😀", "<", "<b>", "```", "\"", "\\", "data: x", "[DONE]", "{", "}",
    ": ", "&amp;", "null", "\u{200b}",
];

/// An answer's body, with where each text of it ends in it, and where its stop word and its end do.
struct Body {
    bytes: Vec<u8>,
    /// The end of each frame in the body, and of its text among all texts.
    texts: Vec<(usize, usize)>,
    text: String,
    /// From here on the stream has said that the answer is whole.
    whole_from: usize,
}

impl Body {
    fn by_chance(wire: &Wire, last: &[Piece], dice: &mut Dice) -> Self {
        let mut body = Self {
            bytes: Vec::new(),
            texts: Vec::new(),
            text: String::new(),
            whole_from: usize::MAX,
        };
        for _ in 0..1 + dice.below(8) {
            let text: String = (0..1 + dice.below(4)).map(|_| dice.of(SIGNS)).collect();
            let escaped = serde_json::to_string(&text).unwrap();
            let frame = (wire.write)(Piece::Text).replace("half", &escaped[1..escaped.len() - 1]);
            body.bytes.extend_from_slice(frame.as_bytes());
            body.text.push_str(&text);
            body.texts.push((body.bytes.len(), body.text.len()));
        }
        for piece in last {
            let frame = (wire.write)(*piece);
            let is_end = matches!(piece, Piece::Whole(_)) || (wire.close_is_whole && *piece == Piece::Close);
            if is_end && body.whole_from == usize::MAX {
                // The empty line behind it may be missing.
                body.whole_from = body.bytes.len() + frame.trim_end().len();
            }
            body.bytes.extend_from_slice(frame.as_bytes());
        }
        body
    }

    /// How much of the texts must have been handed on of so many bytes.
    fn said(&self, cut: usize) -> usize {
        let whole = self.texts.iter().filter(|(end, _)| *end <= cut);
        whole.map(|(_, text)| *text).max().unwrap_or_default()
    }
}

/// What a decoder makes of the first bytes of a body, in pieces of by-chance lengths.
fn events(wire: &Wire, bytes: &[u8], dice: &mut Dice) -> Vec<Event> {
    let mut decoder = (wire.decoder)();
    let mut events = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let longest = dice.of(&[1, 3, 40, 1000]);
        let (piece, behind) = rest.split_at((1 + dice.below(longest)).min(rest.len()));
        decoder.feed(piece, &mut events);
        rest = behind;
    }
    decoder.end(&mut events);
    // Nothing comes behind the end.
    decoder.feed(bytes, &mut events);
    decoder.end(&mut events);
    events
}

#[test]
fn an_answer_that_is_cut_anywhere_ends_once_is_never_whole_and_loses_no_text_before_the_cut() {
    let mut dice = Dice(20_261_128);
    for wire in WIRES {
        let words: Vec<Piece> = wire
            .pieces
            .iter()
            .copied()
            .filter(|piece| matches!(piece, Piece::Whole(_)))
            .collect();
        let mut seen = (0, 0);
        for round in 0..600 {
            let word = dice.of(&words);
            let last: &[Piece] = match dice.below(4) {
                0 => &[Piece::Close],
                1 => &[word],
                2 => &[],
                _ => &[word, Piece::Close],
            };
            let body = Body::by_chance(wire, last, &mut dice);
            let cut = match dice.below(3) {
                0 => body.bytes.len(),
                _ => dice.below(body.bytes.len() + 1),
            };
            let events = events(wire, &body.bytes[..cut], &mut dice);
            let told = format!(
                "{}, round {round}, cut at {cut}: {events:?}\n{}",
                wire.name,
                String::from_utf8_lossy(&body.bytes)
            );
            let is_end = |event: &&Event| matches!(event, Event::Finished(_) | Event::Error(_));
            assert_eq!(events.iter().filter(is_end).count(), 1, "{told}");
            let end = events.last().unwrap();
            let whole = *end == Event::Finished(FinishReason::Stop);
            // Of lines of JSON the first one has to be whole to be known as one.
            let is_broken = |error: &ProviderError| error.class == ErrorClass::BrokenStream && cut < body.texts[0].0;
            let ends = match end {
                Event::Finished(reason) => whole || *reason == FinishReason::Incomplete,
                Event::Error(error) => is_broken(error),
                _ => false,
            };
            assert!(ends, "{told}");
            assert_eq!(whole, cut >= body.whole_from, "{told}");
            let text: String = events
                .iter()
                .filter_map(|event| match event {
                    Event::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            assert!(body.text.starts_with(&text) && text.len() >= body.said(cut), "{told}");
            match whole {
                true => seen.0 += 1,
                false => seen.1 += 1,
            }
        }
        assert!(seen.0 > 50 && seen.1 > 50, "{}: {seen:?}", wire.name);
    }
}
