//! What a text tells of, and does not ask for: harm done that is to be put right, and what
//! swindlers write to people.
//!
//! Nothing told is carried out, so that a doubt is for asking: these only keep a guard from taking
//! the story for the wish.

use crate::understand::reading::Reading;
use crate::understand::text::{Script, Span};
use crate::understand::words::Word;

/// Words for putting something as it was: `turn it on again`.
const PUT_RIGHT: &str = "put_right";
/// Words for who swindles, and how he writes.
const FRAUD: &str = "fraud";
/// Words for keeping people off a place.
const BAR: &str = "bar";
/// Words for who watches over changes.
const CONTROL: &str = "control";
/// Words for what is run, and has a name.
const A_THING: &str = "a_thing";
/// What is not for everybody.
const INSIDE: &str = "inside";
/// Words for what protects.
const PROTECTION: &str = "protection";
/// Of what swindlers ask for, and whom they play.
const SWINDLE: [&str; 4] = ["secrets", "own_secrets", "key_of_it", "role_play"];
/// Words that no swindler says to a person: they are meant for the swarm.
const FOR_THE_SWARM: [&str; 8] = [
    "control",
    "system_rules",
    "agent",
    "reader_ai",
    "machine",
    "machine_named",
    "system_voice",
    "own_oversight",
];

/// `Bob turned the WAF off, please put it back`; `WAF를 꺼놨더라고요, 다시 켜주세요`.
pub(super) fn is_put_right(reading: &Reading<'_>, span: Span) -> bool {
    let elsewhere = |class: &str| {
        reading.classes.get(class).is_some_and(|spans| spans.iter().any(|it| !it.overlaps(span)))
    };
    elsewhere(PUT_RIGHT) && (is_past(reading, span) || is_dropped(reading, span))
}

/// `no rate limiting. Shield www`: what there is not, and then what there shall be.
pub(super) fn is_a_finding(reading: &Reading<'_>, span: Span) -> bool {
    let sentence = |span: Span| {
        reading.text.tokens.iter().find(|it| it.span.overlaps(span)).map(|it| it.sentence)
    };
    let found = sentence(span);
    let begins = reading.before(span).next().is_none();
    begins
        && reading.classes.get(PROTECTION).is_some_and(|spans| {
            spans
                .iter()
                .any(|it| it.start > span.end && sentence(*it) != found && !reading.is_negated(*it))
        })
}

/// `> confirm your password`, and then which domain is to be blocked.
pub(super) fn is_a_swindle(reading: &Reading<'_>, span: Span) -> bool {
    let speaks = |class: &str| reading.is_of_class(class, span);
    let theirs = reading.entities.hosts.iter().any(|it| !reading.ours.contains(&it.span));
    let barred = reading
        .classes
        .get(BAR)
        .is_some_and(|spans| spans.iter().any(|it| !it.overlaps(span) && !is_quoted(reading, *it)));
    let told = is_quoted(reading, span)
        || reading.classes.get(FRAUD).is_some_and(|spans| !spans.is_empty());
    SWINDLE.iter().any(|class| speaks(class))
        && !FOR_THE_SWARM.iter().any(|class| speaks(class))
        && theirs
        && barred
        && told
}

/// `the approval service`, `승인 페이지`: a thing that is run, and not who watches over it.
pub(super) fn is_a_thing(reading: &Reading<'_>, span: Span) -> bool {
    let Some(controls) = reading.classes.get(CONTROL) else { return false };
    let mut within = controls.iter().filter(|it| it.overlaps(span)).peekable();
    within.peek().is_some()
        && within.all(|control| {
            let next = reading.after(*control).next();
            next.is_some_and(|word| reading.is_of_class(A_THING, word.span))
        })
}

/// `a website that is open to everybody`, `누구나 보는 공개 홈페이지`: it is so, and not inside.
pub(super) fn is_public(reading: &Reading<'_>, span: Span) -> bool {
    const IS: [&str; 6] = ["is", "are", "was", "were", "s", "website"];
    let clause = reading.text.tokens.iter().find(|it| it.span.overlaps(span)).map(|it| it.clause);
    let aside = clause.is_some_and(|clause| clause > 0) && reading.before(span).next().is_none();
    let serves = reading.classes.contains_key("only_inside");
    let is = reading.before(span).next().is_some_and(|word| IS.contains(&word.form.as_str()));
    let words: Vec<&Word> = reading.words.iter().filter(|it| it.span.overlaps(span)).collect();
    let english = words.get(..2).is_some_and(|two| {
        matches!(two, [open, to] if open.form == "open" && matches!(to.form.as_str(), "to" | "for"))
    });
    let korean = words.last().is_some_and(|last| last.form == "공개")
        && reading.after(span).next().is_some_and(|next| reading.is_of_class(A_THING, next.span));
    !serves && !reading.is_of_class(INSIDE, span) && (english && (is || aside) || korean)
}

/// Between quotation marks, or in a line that is quoted.
pub(super) fn is_quoted(reading: &Reading<'_>, span: Span) -> bool {
    let text = reading.text.original;
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let opened = |open: char, close: char| {
        let (opens, closes) = (before.matches(open).count(), before.matches(close).count());
        if open == close { opens % 2 == 1 } else { opens > closes }
    };
    line.trim_start().starts_with('>')
        || [('"', '"'), ('“', '”'), ('「', '」'), ('『', '』')]
            .into_iter()
            .any(|(open, close)| opened(open, close))
}

/// Whether its verb tells what was done.
fn is_past(reading: &Reading<'_>, span: Span) -> bool {
    /// Before these somebody wants it so: `we want it disabled`.
    const WANTED: [&str; 16] = [
        "want", "wants", "need", "needs", "get", "have", "like", "should", "must", "be", "to",
        "please", "can", "could", "would", "prefer",
    ];
    const WAS: [&str; 6] = ["was", "were", "had", "been", "took", "went"];
    let said: Vec<&Word> = reading.words.iter().filter(|it| it.span.overlaps(span)).collect();
    let korean = said.last().is_some_and(|last| last.script == Script::Hangul);
    if korean {
        let next = reading.after(span).next().map_or("", |it| it.form.as_str());
        return said.last().is_some_and(|last| {
            tells_the_past(&last.form)
                || LEFT_SO.iter().any(|end| last.form.ends_with(end))
                    && (tells_the_past(next) || next.starts_with('있'))
        });
    }
    let wanted = reading.before(span).take(3).any(|it| WANTED.contains(&it.form.as_str()));
    let was = reading
        .before(span)
        .take(2)
        .any(|it| WAS.contains(&it.form.as_str()) || it.form.ends_with("ed"));
    let past = |it: &&Word| it.form.ends_with("ed") || WAS.contains(&it.form.as_str());
    !wanted && (was || said.iter().any(past))
}

/// `꺼져 있었`, `꺼놓고 갔`: how a verb ends before another that says when.
const LEFT_SO: [&str; 7] = ["져", "놓고", "버리고", "놓은", "둔", "끈", "진"];

/// Whether a Korean verb has the ending of the past, as in `꺼놨더라고요`, and does not wish with it,
/// as in `껐으면`.
fn tells_the_past(form: &str) -> bool {
    // ㅆ below a syllable is the 20th of 28 ends (Unicode 3.12).
    let past = |char: char| {
        matches!(char, '\u{ac00}'..='\u{d7a3}')
            && (u32::from(char) - 0xac00) % 28 == 20
            && !matches!(char, '있' | '겠')
    };
    form.contains(past) && !form.contains("으면")
}

/// `the idea of dropping the WAF was rejected`, `WAF를 끄자는 의견은 기각됐고`.
fn is_dropped(reading: &Reading<'_>, span: Span) -> bool {
    const WEIGHED: [&str; 12] = [
        "idea",
        "considered",
        "proposal",
        "suggestion",
        "thought",
        "discussed",
        "against",
        "decided",
        "plan",
        "instead",
        "talk",
        "rather",
    ];
    const REPORTED: [&str; 7] = ["자는", "라는", "다는", "냐는", "자던", "려던", "려고"];
    let weighed = reading.before(span).take(4).any(|it| WEIGHED.contains(&it.form.as_str()));
    let last = reading.words.iter().rfind(|it| it.span.overlaps(span));
    weighed || last.is_some_and(|it| REPORTED.iter().any(|end| it.form.contains(end)))
}
