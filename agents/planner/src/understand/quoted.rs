//! Words of somebody else: between quotation marks, and in lines that begin with `>`.
//!
//! They say what happened, what a page says or what somebody was sent. What is to be done the asker
//! says in words of his own; so where a text as a whole is unclear, it is read without them.

use super::reading::Reading;
use super::text::Span;

/// Least words of a quotation: what is shorter is a name or a term.
const LEAST: usize = 4;

/// The text without them; `None` where there are none, or nothing else.
pub(super) fn without<'a>(reading: &Reading<'a>) -> Option<Reading<'a>> {
    let quoted = spans(reading.text.original);
    let quoted: Vec<Span> = quoted.into_iter().filter(|it| is_speech(reading, *it)).collect();
    let own = reading.without(&quoted);
    (!quoted.is_empty() && !own.words.is_empty()).then_some(own)
}

fn is_speech(reading: &Reading<'_>, quoted: Span) -> bool {
    reading.words.iter().filter(|word| quoted.overlaps(word.span)).count() >= LEAST
}

fn spans(text: &str) -> Vec<Span> {
    const MARKS: [(char, char); 5] =
        [('"', '"'), ('“', '”'), ('「', '」'), ('«', '»'), ('『', '』')];
    let mut spans = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('>') {
            spans.push(Span { start: at, end: at + line.len() });
        }
        at += line.len();
    }
    let mut open: Option<(usize, char)> = None;
    for (at, char) in text.char_indices() {
        match open {
            Some((start, end)) if char == end => {
                spans.push(Span { start, end: at });
                open = None;
            }
            Some(_) => {}
            None => {
                let mark = MARKS.iter().find(|(begin, _)| *begin == char);
                open = mark.map(|(_, end)| (at, *end));
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_found() {
        let text = "he says \"a b\"\n> so it is\nand “c”";
        let found: Vec<&str> = spans(text).iter().map(|it| &text[it.start..it.end]).collect();
        assert_eq!(found, ["> so it is\n", "\"a b", "“c"]);
    }
}
