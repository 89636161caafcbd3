use super::*;

fn data_of(chunks: &[&[u8]]) -> Vec<String> {
    let mut decoder = SseDecoder::new();
    let mut got = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk, |event| got.push(event.data.to_owned())).unwrap();
    }
    got
}

#[test]
fn a_stream_cut_at_any_byte_reads_the_same() {
    let stream = "\u{feff}event: é\r\ndata: one ✔\r\ndata: 🥌\r\n\r\n: comment\rid: 7\rdata: three\r\rdata: four\n\n";
    let bytes = stream.as_bytes();
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(data_of(&[left, right]), ["one ✔\n🥌", "three", "four"], "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(data_of(&single), ["one ✔\n🥌", "three", "four"]);
}

#[test]
fn an_id_with_a_nul_is_ignored() {
    let mut decoder = SseDecoder::new();
    decoder.feed(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", |_| {}).unwrap();
    assert_eq!(decoder.last_event_id(), "1");
}

#[test]
fn only_one_byte_order_mark_is_skipped() {
    assert_eq!(data_of(&[b"\xEF\xBB\xBF\xEF\xBB\xBFdata: 1\n\ndata: 2\n\n"]), ["2"]);
}

#[test]
fn half_a_byte_order_mark_belongs_to_the_line() {
    assert_eq!(data_of(&[b"\xEF", b"\xBBdata: 1\n\ndata: 2\n\n"]), ["2"]);
}

#[test]
fn a_line_over_the_limit_is_an_error_however_it_is_cut() {
    for size in [1, 7, 64] {
        let mut decoder = SseDecoder::with_limit(32);
        let long = [b'x'; 64];
        let results: Vec<_> = long.chunks(size).map(|chunk| decoder.feed(chunk, |_| {})).collect();
        assert_eq!(results.last(), Some(&Err(SseError::TooLarge(32))), "pieces of {size}");
        assert!(decoder.line.capacity() <= 64);
    }
}

#[test]
fn an_event_over_the_limit_is_an_error_though_its_lines_are_short() {
    let mut decoder = SseDecoder::with_limit(32);
    let failed = (0..20).any(|_| decoder.feed(b"data: 12345678\n", |_| {}).is_err());
    assert!(failed && decoder.feed(b"\n", |_| panic!("dispatched")).is_err());
}

#[test]
fn the_unfinished_event_is_there_for_those_who_ask() {
    for stream in ["data: a\n\ndata: b\n\n", "data: a\n\ndata: b\n", "data: a\n\ndata: b"] {
        let mut decoder = SseDecoder::new();
        let mut got = Vec::new();
        decoder
            .feed(stream.as_bytes(), |event| got.push(event.data.to_owned()))
            .unwrap();
        decoder.finish_leniently(|event| got.push(event.data.to_owned()));
        assert_eq!(got, ["a", "b"], "{stream:?}");
    }
}
