//! Whether a text asks for an answer rather than for infrastructure: `why was it blocked?`,
//! `왜 차단됐나요?`; not `could you block it?`, `차단해 주실 수 있나요?`.
//!
//! A sentence asks where it begins or ends as questions do. A text is a question where one of its
//! sentences asks and none wishes: then there is nothing to do but to answer.

use crate::understand::reading::Reading;
use crate::understand::text::Script;
use crate::understand::words::Word;

/// Words that begin what somebody wants to know.
const ASKS: &str = "asks";
/// Words that ask for something to be done.
const WISHES: &str = "requests";
/// Words that say that nothing shall be done.
const ONLY_ASKING: &str = "only_asking";
/// Words before the sentence proper.
const GREETINGS: &str = "greetings";
/// Words that ask for words.
const EXPLAINS: &str = "explains";
/// Words for why somebody asks.
const WHY_ASKED: &str = "why_asked";
/// How a Korean sentence ends that asks.
const KOREAN_ENDS: &str = "question_ends";

pub(super) fn is_one(reading: &Reading<'_>) -> bool {
    if reading.classes.contains_key(ONLY_ASKING) {
        return true;
    }
    let mut sentences: Vec<Vec<&Word>> = Vec::new();
    for word in &reading.words {
        let sentence = word.sentence;
        match sentences.last_mut() {
            Some(last) if last.last().is_some_and(|it| it.sentence == sentence) => last.push(word),
            Some(_) | None => sentences.push(vec![word]),
        }
    }
    let mut asks = false;
    for sentence in &sentences {
        match Mood::of(reading, sentence) {
            Mood::Asks => asks = true,
            Mood::Wishes => return false,
            Mood::Tells => {}
        }
    }
    asks
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Asks,
    Wishes,
    Tells,
}

impl Mood {
    fn of(reading: &Reading<'_>, sentence: &[&Word]) -> Self {
        let is = |word: &Word, class: &str| reading.is_of_class(class, word.span);
        let Some(last) = sentence.last() else { return Self::Tells };
        let marked = ends_with_a_question_mark(reading, last);
        let any = |class: &str| sentence.iter().any(|word| is(word, class));
        let begins = |with: &dyn Fn(&Word) -> bool| {
            beginnings(reading, sentence)
                .into_iter()
                .any(|word| !is_label(reading, word) && with(word))
        };
        // `외` sounds like `왜`, and asks nothing.
        let wonders = |word: &Word| is(word, ASKS) && !word.form.starts_with('외');
        let explains = any(EXPLAINS) && !tells_when_done(reading, sentence)
            || any(WHY_ASKED) && !any(WISHES)
            || is_whether(reading, sentence);
        let modal = marked && begins(&|word| MODALS.contains(&word.form.as_str()));
        // `붙여줄 수 있나요`.
        let able = sentence.windows(2).any(|pair| {
            matches!(pair, [can, there] if can.form.ends_with('수')
                && (there.form.starts_with("있") || there.form.starts_with("없")))
        }) && !sentence.iter().any(|word| wonders(word));
        let wishes = (any(WISHES) || modal || able) && !explains;
        let asks = match last.script {
            Script::Hangul => {
                let ends = is(last, KOREAN_ENDS);
                let asked = sentence.iter().any(|word| wonders(word) && !is_label(reading, word));
                (ends || marked) && asked && !wishes
                    || wonders(last) && !is_label(reading, last)
                    || marked && !wishes && STATES.iter().any(|end| last.form.ends_with(end))
            }
            Script::Latin => {
                let first = sentence.iter().find(|word| !is(word, GREETINGS));
                // `forum.example.com, which runs on …` tells.
                let named = reading.text.tokens.iter().find(|it| it.sentence == last.sentence);
                let opens = first.is_some_and(|word| {
                    wonders(word)
                        && !is_label(reading, word)
                        && !named.is_some_and(|it| {
                            it.span.end <= word.span.start
                                && reading.entities.names().contains(&it.span)
                        })
                });
                let tells = is_cleft(sentence) || is_a_clause(first.copied(), sentence);
                opens && (marked || !wishes && !tells)
                    || marked && begins(&wonders)
                    || marked && begins(&|word| BE.contains(&word.form.as_str()))
            }
        };
        if explains || asks && !wishes {
            Self::Asks
        } else if wishes {
            Self::Wishes
        } else {
            Self::Tells
        }
    }
}

/// `what matters is that`, `what we wish for is a list`: it tells what is wanted.
fn is_cleft(sentence: &[&Word]) -> bool {
    sentence.first().is_some_and(|word| word.form == "what")
        && sentence.iter().skip(2).take(6).any(|word| word.form == "is")
}

/// `take care of it, and tell me when it is in`: something was wished for before.
fn tells_when_done(reading: &Reading<'_>, sentence: &[&Word]) -> bool {
    let of = |word: &Word, class: &str| reading.is_of_class(class, word.span);
    let Some(tells) = sentence.iter().position(|word| of(word, EXPLAINS)) else { return false };
    let before = sentence.get(..tells).unwrap_or_default();
    let joined =
        before.last().is_some_and(|word| word.form == "and" || word.script == Script::Hangul);
    joined && before.iter().any(|word| of(word, WISHES))
}

/// `차단돼 있는지 확인 가능할까요`: whether it is so; not where something was wished for before, as
/// in `막아주시고 잘 되는지 확인 부탁드려요`.
fn is_whether(reading: &Reading<'_>, sentence: &[&Word]) -> bool {
    const WHETHER: [&str; 5] = ["는지", "은지", "인지", "됐는지", "건지"];
    const TELL: [&str; 8] = ["확인", "알려", "알 ", "궁금", "여쭤", "아시", "기억", "조회"];
    let Some(at) =
        sentence.iter().position(|word| WHETHER.iter().any(|end| word.form.ends_with(end)))
    else {
        return false;
    };
    let wished = |word: &&Word| reading.is_of_class(WISHES, word.span);
    let before = sentence.get(..at).unwrap_or_default();
    let after = sentence.get(at + 1..).unwrap_or_default();
    !before.iter().any(wished)
        && after
            .iter()
            .take(2)
            .any(|word| TELL.iter().any(|tell| word.form.starts_with(tell.trim_end())))
}

/// `what matters is that …`, `what we need is …`: no question begins so.
fn is_a_clause(first: Option<&Word>, sentence: &[&Word]) -> bool {
    const WHO: [&str; 8] = ["matters", "counts", "i", "we", "they", "he", "she", "remains"];
    let Some(first) = first.filter(|it| matches!(it.form.as_str(), "what" | "where" | "why"))
    else {
        return false;
    };
    let mut rest = sentence.iter().skip_while(|it| it.span.start <= first.span.start);
    rest.next().is_some_and(|it| WHO.contains(&it.form.as_str()))
        && rest.any(|it| matches!(it.form.as_str(), "is" | "are" | "s"))
}

/// A question that begins so asks whether it is done, and means that it shall be.
const MODALS: [&str; 7] = ["can", "could", "would", "will", "may", "shall", "might"];
/// A question that begins so asks how things are.
const BE: [&str; 9] = ["is", "are", "does", "do", "did", "has", "have", "was", "were"];
/// A Korean question that ends so asks how things are.
const STATES: [&str; 6] = ["있나요", "인가요", "건가요", "맞나요", "됐나요", "었나요"];

/// The first word of each part of a sentence, greetings aside.
fn beginnings<'w>(reading: &Reading<'_>, sentence: &[&'w Word]) -> Vec<&'w Word> {
    let mut first = Vec::new();
    let mut clause = None;
    for word in sentence {
        if clause != Some(word.clause) && !reading.is_of_class(GREETINGS, word.span) {
            clause = Some(word.clause);
            first.push(*word);
        }
    }
    first
}

/// `What: …` is a heading, and so is what stands alone in its line.
fn is_label(reading: &Reading<'_>, word: &Word) -> bool {
    let text = reading.text.original;
    let rest = text.get(word.span.end..).unwrap_or_default();
    let line = text.get(..word.span.start).unwrap_or_default().rsplit('\n').next();
    let alone = |part: Option<&str>| {
        part.is_some_and(|it| {
            !it.contains(['?', '？', '.']) && it.chars().all(|c| !c.is_alphanumeric())
        })
    };
    // `## Why`, and the reason below it.
    if text.contains('\n') && alone(line) && alone(rest.split('\n').next()) {
        return true;
    }
    let heading = rest.split('\n').next().and_then(|line| line.split_once([':', '=']));
    heading
        .is_some_and(|(before, _)| before.split_whitespace().count() <= 3 && !before.contains('?'))
}

fn ends_with_a_question_mark(reading: &Reading<'_>, last: &Word) -> bool {
    let rest = reading.text.original.get(last.span.end..).unwrap_or_default();
    rest.chars()
        .find(|c| !c.is_whitespace() && !matches!(c, ')' | '"' | '\'' | '”' | '’' | '.'))
        .is_some_and(|c| matches!(c, '?' | '？'))
}
