//! Harm and trickery: asked for in words, refused by name.
//!
//! What does harm is declared in the lexicon as kinds of words that stand together. What the words
//! ask for is never carried out anyway, as no golden path does it; this tells the person so instead
//! of doing something else that their words happen to fit.

mod question;
mod told;

use policy::{GoldenPath, Sort, Together};

use super::Known;
use super::problem::{Danger, Problem};
use super::reading::Reading;
use super::text::Span;
use super::together;

/// # Errors
/// When the text is directed at the swarm, would do harm, or is a question.
pub(crate) fn check(reading: &Reading<'_>, known: Known<'_>) -> Result<(), Problem> {
    let quote = |span: Span| reading.text.slice(span).to_owned();
    let whole = reading;
    let reading = &reading.without_stacks();
    let guards = known.lexicon.guards;
    if let Some(span) = first(reading, &guards.manipulation, |span| {
        !is_told(reading, span)
            && !told::is_a_swindle(reading, span)
            && !told::is_a_thing(reading, span)
    }) {
        return Err(Problem::Manipulation { words: quote(span) });
    }
    for (danger, patterns) in [
        (Danger::DeleteEverything, &guards.delete_everything),
        (Danger::OpenToAll, &guards.open_to_all),
        (Danger::ProtectionOff, &guards.protection_off),
    ] {
        let harmless = |span: Span| {
            is_declined(reading, span)
                || danger != Danger::OpenToAll && told::is_put_right(reading, span)
                || danger == Danger::OpenToAll
                    && (is_outward(reading, span) || told::is_public(reading, span))
                || danger == Danger::ProtectionOff && is_for_some(reading, span)
                || danger == Danger::DeleteEverything && is_one_stack(whole)
        };
        if let Some(span) = first(reading, patterns, |span| !harmless(span)) {
            return Err(Problem::Dangerous { danger, words: quote(span) });
        }
    }
    if let Some(words) = opened_in_a_form(reading) {
        return Err(Problem::Dangerous { danger: Danger::OpenToAll, words: quote(words) });
    }
    if question::is_one(reading) {
        let chats = !reading.mentions_of(&known.lexicon.chatter).is_empty();
        return Err(if chats { Problem::OffTopic } else { Problem::Question });
    }
    Ok(())
}

/// What is protected by the path, and was asked for without.
///
/// # Errors
/// When there is such a thing.
pub(crate) fn check_path(
    reading: &Reading<'_>,
    path: &GoldenPath,
    known: Known<'_>,
) -> Result<(), Problem> {
    let entry = known.lexicon.paths.iter().find(|entry| entry.of.name == path.name);
    let concerns = entry.into_iter().flat_map(|entry| &entry.concerns);
    let given: Vec<Span> = concerns
        .filter(|concern| concern.weight > 0)
        .flat_map(|concern| reading.mentions_of_terms(&concern.terms.single))
        .map(|mention| mention.span)
        .collect();
    let unwanted = &known.lexicon.guards.protection_unwanted;
    let harmful = |span: Span| {
        let harms = given.iter().any(|it| it.overlaps(span));
        harms
            && !is_declined(reading, span)
            && !is_lamented(reading, span)
            && !told::is_a_finding(reading, span)
    };
    match first(reading, unwanted, harmful) {
        None => Ok(()),
        Some(span) => Err(Problem::Dangerous {
            danger: Danger::ProtectionOff,
            words: reading.text.slice(span).to_owned(),
        }),
    }
}

/// `Port: 22`, and lines further down `Source: 0.0.0.0/0`: a form says it in several sentences.
fn opened_in_a_form(reading: &Reading<'_>) -> Option<Span> {
    let speaks = |classes: &[&str]| {
        classes
            .iter()
            .any(|class| reading.classes.get(*class).is_some_and(|spans| !spans.is_empty()))
    };
    let all = reading.classes.get(ALL_THERE).into_iter().flatten().copied();
    let anywhere = together::things(reading, Sort::Anywhere).into_iter();
    all.chain(anywhere.filter(|_| speaks(&[INSIDE]))).next().filter(|_| speaks(&OPENS))
}

/// Words for opening.
const OPENS: [&str; 4] = ["open", "open_ko", "open_weakly", "let_through"];

/// `the API has no WAF`: how it is, and not how it shall be.
fn is_lamented(reading: &Reading<'_>, span: Span) -> bool {
    const IS: [&str; 9] = ["has", "have", "had", "is", "was", "there", "got", "still", "s"];
    reading.before(span).next().is_some_and(|word| IS.contains(&word.form.as_str()))
}

/// `unblock partner.example for everyone`: who is inside may go there; nobody comes in.
fn is_outward(reading: &Reading<'_>, span: Span) -> bool {
    !reading.entities.hosts.is_empty()
        && reading.ours.is_empty()
        && reading.entities.addresses.is_empty()
        && [ALL_SITES, INSIDE].iter().all(|class| !reading.is_of_class(class, span))
}

/// `the gateway blocks both, please allow them`: named sites, and not all that are barred.
fn is_for_some(reading: &Reading<'_>, span: Span) -> bool {
    [TOOTHLESS, BARRED].iter().any(|class| reading.is_of_class(class, span))
        && is_outward(reading, span)
}

/// `remove everything edge-cache-api made`: one stack is named, and nothing beside it.
fn is_one_stack(reading: &Reading<'_>) -> bool {
    let mut names: Vec<_> = reading.stacks.iter().map(|it| &it.value).collect();
    names.sort();
    names.dedup();
    names.len() == 1 && !reading.classes.contains_key(BESIDES)
}

/// Every place on the internet.
const ALL_SITES: &str = "all_sites";
/// What lets everything pass.
const TOOTHLESS: &str = "toothless";
/// What is kept from the people of the house.
const BARRED: &str = "sites_barred";
/// `domains: "*"`.
const ALL_THERE: &str = "everything_there";
/// What is not for everybody.
const INSIDE: &str = "inside";
/// Words after which comes what is left out, or taken in as well.
const BESIDES: &str = "besides";

fn first(
    reading: &Reading<'_>,
    patterns: &[Together],
    meant: impl Fn(Span) -> bool,
) -> Option<Span> {
    let found = patterns.iter().flat_map(|pattern| together::find(reading, pattern));
    found.map(|mention| mention.span).find(|span| meant(*span))
}

/// `직원들이 정책을 우회하고 있어요`: somebody does it; nobody is told to.
fn is_told(reading: &Reading<'_>, span: Span) -> bool {
    reading.after(span).next().is_some_and(|word| word.form.starts_with("있"))
}

/// `don't disable the WAF`, `must not be exposed`, `WAF를 끄지 말고`.
fn is_declined(reading: &Reading<'_>, span: Span) -> bool {
    const AUXILIARY: [&str; 9] =
        ["don", "doesn", "won", "shouldn", "mustn", "can", "isn", "wouldn", "aren"];
    const BETWEEN: [&str; 7] = ["be", "ever", "get", "been", "simply", "accidentally", "just"];
    let mut before = reading
        .before(span)
        .map(|word| word.form.as_str())
        .skip_while(|form| BETWEEN.contains(form));
    let english = match before.next() {
        Some("not" | "never" | "cannot") => true,
        Some("t") => before.next().is_some_and(|it| AUXILIARY.contains(&it)),
        _ => false,
    };
    let korean = |form: &str| {
        ["지마", "지말", "말고", "말아", "마세요", "마라", "말라"]
            .iter()
            .any(|no| form.contains(no))
    };
    let next = reading.after(span).next().map_or("", |word| word.form.as_str());
    let last = reading.words.iter().rfind(|word| span.overlaps(word.span));
    english
        || korean(next)
        || last.is_some_and(|word| {
            korean(&word.form)
                || word.form.ends_with('지') && next.starts_with('않')
                || word.form.ends_with('면') && next.starts_with('안')
        })
}
