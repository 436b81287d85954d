//! Values that have words of their own: choices, yes or no, services.

use policy::{Environment, ParameterType, Roles, Words};
use serde_json::Value;

use super::Said;
use crate::understand::reading::Mention;
use crate::understand::text::{Script, Span};
use crate::understand::words::Term;

/// A value with the places that speak of it.
struct Candidate {
    value: Value,
    mentions: Vec<Mention>,
}

pub(super) fn read(said: &mut Said<'_, '_>, environment: &Environment) {
    let path = said.path;
    // The `API` of `JSON API` is no service.
    let mut phrases: Vec<Span> = Vec::new();
    for (name, parameter) in &path.parameters {
        match &parameter.takes {
            ParameterType::Choice(choices) => {
                let options: Vec<Candidate> = choices
                    .iter()
                    .map(|choice| {
                        let value = Value::from(choice.value.as_str());
                        either(said, value, &choice.value, &choice.words)
                    })
                    .collect();
                let options = longest(said, options);
                phrases.extend(options.iter().flat_map(|option| {
                    option.mentions.iter().filter(|it| it.length > 1 && !it.joint).map(|it| it.span)
                }));
                let options =
                    if options.len() == 2 { told(said, options) } else { not_denied(options) };
                for (value, span) in best(options) {
                    said.say(name, value, span);
                }
            }
            ParameterType::Boolean { yes, no } => {
                let said_yes = said.reading.mentions(yes);
                let said_no = said.reading.mentions(no);
                let yes_or_no = |mention: &Mention, value: bool| (value, mention.span);
                // `no caching` holds `caching`: the longer one is meant.
                let answers: Vec<(bool, Span)> = said_no
                    .iter()
                    .map(|mention| yes_or_no(mention, false))
                    .chain(
                        said_yes
                            .iter()
                            .filter(|yes| !said_no.iter().any(|no| no.span.overlaps(yes.span)))
                            // A label, as in `proxy: no proxy`.
                            .filter(|yes| {
                                let next = said
                                    .reading
                                    .words
                                    .iter()
                                    .find(|word| word.span.start >= yes.span.end);
                                !next.is_some_and(|next| {
                                    said_no.iter().any(|no| no.span.overlaps(next.span))
                                })
                            })
                            .map(|mention| {
                                switched_off(said, mention)
                                    .unwrap_or_else(|| yes_or_no(mention, !mention.negated))
                            }),
                    )
                    .collect();
                for (answer, span) in answers {
                    said.say(name, answer.into(), span);
                }
            }
            ParameterType::Text { .. } => {
                for (value, span) in texts(said, &parameter.roles) {
                    said.say(name, value, span);
                }
            }
            ParameterType::Hostname
            | ParameterType::UrlPath
            | ParameterType::Address
            | ParameterType::Integer { .. }
            | ParameterType::Duration { .. }
            | ParameterType::Domains { .. }
            | ParameterType::Zone
            | ParameterType::Service
            | ParameterType::Stack => {}
        }
    }
    for concept in path.concepts.values() {
        let mentions = said.reading.mentions(&concept.words);
        let long = mentions.iter().filter(|it| it.length > 1 && !it.joint);
        phrases.extend(long.map(|it| it.span));
    }
    services(said, environment, &phrases);
}

/// Words that switch off what is named before them: `proxy: off`.
const OFF: &str = "off_value";
/// How many words after the name.
const OFF_REACH: usize = 3;

/// `proxy: off`, `프록시: 사용 안 함`.
fn switched_off(said: &Said<'_, '_>, mention: &Mention) -> Option<(bool, Span)> {
    let reading = said.reading;
    let off = reading.classes.get(OFF)?.iter().find(|off| {
        let between = |span: Span| span.start >= mention.span.end && span.end <= off.start;
        let words = reading.words.iter().filter(|word| between(word.span)).count();
        let names = reading.entities.names().into_iter().any(between);
        let gap = reading.text.original.get(mention.span.end..off.start).unwrap_or("\n");
        // `R2로 빼고` moves something there.
        let moved =
            matches!(gap.trim(), "로" | "으로") && reading.text.slice(**off).starts_with('빼');
        off.start >= mention.span.end
            && words < OFF_REACH
            && !names
            && !moved
            && !gap.contains('\n')
            && !gap.contains(',')
    })?;
    Some((false, mention.span.join(*off)))
}

/// The word, or the quoted words, right after a role word: `called games`, `named "games for all"`;
/// after a word that only goes near it, where that is a label: `name: games`.
fn texts(said: &Said<'_, '_>, roles: &Roles) -> Vec<(Value, Span)> {
    const QUOTES: [(char, char); 4] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’')];
    let text = &said.reading.text;
    let all = |words: &Words| -> Vec<Span> {
        let found = words.iter().flat_map(|role| {
            // `malware calls home` calls nothing by that name.
            let exact = role.is_ascii() && !role.contains(' ');
            let spans = Term::of(role).find_all(&said.reading.words).into_iter();
            spans.filter(move |it| !exact || text.slice(*it).eq_ignore_ascii_case(role))
        });
        found.collect()
    };
    let is_label = |role: &Span| {
        let rest = text.original.get(role.end..).unwrap_or_default();
        rest.trim_start().starts_with([':', '=', '：'])
    };
    let mut places = all(&roles.before);
    places.extend(all(&roles.near).into_iter().filter(is_label));
    places
        .into_iter()
        .filter_map(|role| {
            let rest = text.original.get(role.end..)?;
            let value = rest.trim_start_matches([' ', '\t', ':', '=', '：']).trim_start();
            let start = role.end + (rest.len() - value.len());
            let rest = text.original.get(start..)?;
            let quoted = QUOTES.iter().find_map(|(open, close)| {
                let inner = rest.strip_prefix(*open)?;
                let start = start + open.len_utf8();
                Some(Span { start, end: start + inner.find(*close)? })
            });
            let next = || {
                let token = text.tokens.iter().find(|token| token.span.start == start)?;
                (!said.reading.is_of_class("not_a_name", token.span)).then_some(token)
            };
            let span = quoted.or_else(|| next().map(|token| token.span))?;
            Some((text.slice(span).into(), span))
        })
        .collect()
}

fn services(said: &mut Said<'_, '_>, environment: &Environment, phrases: &[Span]) {
    for parameter in said.of_type(|it| matches!(it, ParameterType::Service)) {
        let options = environment
            .services
            .iter()
            .map(|(name, service)| {
                let mut option = candidate(said, name.as_str().into(), name, &service.words);
                option.mentions.retain(|it| !phrases.iter().any(|phrase| phrase.overlaps(it.span)));
                option
            })
            .collect();
        for option in the_service(said, longest(said, options)) {
            if let Some(mention) = option.mentions.first() {
                said.say(parameter, option.value, mention.span);
            }
        }
    }
}

/// `www 이미지가 늦게 떠요`: what a service is made of names another one only where none is named.
fn the_service(said: &Said<'_, '_>, mut options: Vec<Candidate>) -> Vec<Candidate> {
    options.retain(|option| !option.mentions.is_empty());
    let content = |option: &Candidate| {
        option.mentions.iter().all(|it| said.reading.is_of_class(CONTENT, it.span))
    };
    if options.iter().any(|option| !content(option)) {
        options.retain(|option| !content(option));
    }
    options
}

/// Words for what a server gives to whoever asks.
const CONTENT: &str = "answer";

fn candidate(said: &Said<'_, '_>, value: Value, name: &str, words: &Words) -> Candidate {
    let mut mentions = all_mentions(said, name, words);
    mentions.retain(|mention| !mention.negated);
    Candidate { value, mentions }
}

/// A value with the places that speak of it, be it to deny it.
fn either(said: &Said<'_, '_>, value: Value, name: &str, words: &Words) -> Candidate {
    Candidate { value, mentions: all_mentions(said, name, words) }
}

fn all_mentions(said: &Said<'_, '_>, name: &str, words: &Words) -> Vec<Mention> {
    let mut mentions = said.reading.mentions_of_words(std::iter::once(name));
    mentions.extend(said.reading.mentions(words));
    // One word said is said once, whether it is declared alone or as one of a kind.
    mentions.sort_by_key(|it| (it.span, it.joint, usize::MAX - it.length));
    mentions.dedup_by_key(|it| it.span);
    mentions
}

fn not_denied(mut options: Vec<Candidate>) -> Vec<Candidate> {
    for option in &mut options {
        option.mentions.retain(|mention| !mention.negated);
    }
    options
}

/// What is denied speaks for the other of two values; and what is said to be
/// so already (`is filtered`, `막혀 있는`) yields to what shall be.
fn told(said: &Said<'_, '_>, mut options: Vec<Candidate>) -> Vec<Candidate> {
    if let [one, other] = options.as_mut_slice() {
        let (mut for_one, mut for_other) = (Vec::new(), Vec::new());
        for mention in one.mentions.drain(..) {
            if mention.negated { for_other.push(mention) } else { for_one.push(mention) }
        }
        for mention in other.mentions.drain(..) {
            if mention.negated { for_one.push(mention) } else { for_other.push(mention) }
        }
        (one.mentions, other.mentions) = (for_one, for_other);
    }
    let is_so = |mention: &Mention| {
        const STATES: [&str; 9] =
            ["are", "is", "was", "were", "get", "gets", "got", "being", "been"];
        let be = said.reading.before(mention.span).next();
        // `shall be blocked` is no state.
        let shall = said.reading.before(mention.span).nth(1).is_some_and(|word| {
            matches!(word.form.as_str(), "should" | "must" | "shall" | "to" | "can" | "could")
        });
        be.is_some_and(|word| STATES.contains(&word.form.as_str())) && !shall
            || is_state(said, mention)
            || is_done_by_something(said, mention)
    };
    let all = || options.iter().flat_map(|it| &it.mentions);
    if all().any(is_so) && !all().all(is_so) {
        for option in &mut options {
            option.mentions.retain(|mention| !is_so(mention));
        }
    }
    let mut options = last_said(said, options);
    // `it is blocked by the gateway; could you fix that?`: who says only how it is wants the other.
    let all_states = options.iter().flat_map(|it| &it.mentions).all(|it| is_state(said, it));
    if all_states && let [one, other] = options.as_mut_slice() {
        std::mem::swap(&mut one.mentions, &mut other.mentions);
    }
    options
}

/// `the filter stops us`, `the gateway keeps blocking it`: what something does, and nobody asked for;
/// and what stays so: `the rest of the block list stays`.
fn is_done_by_something(said: &Said<'_, '_>, mention: &Mention) -> bool {
    const KEEPS: [&str; 8] = ["keeps", "is", "was", "started", "starts", "are", "kept", "been"];
    let reading = said.reading;
    let mut words = reading.words.iter().filter(|it| it.span.overlaps(mention.span));
    let Some(word) = words.next().filter(|it| it.script == Script::Latin) else { return false };
    let before = reading.words.iter().rev().find(|it| it.span.end <= word.span.start);
    let before = before.filter(|it| it.clause == word.clause);
    let after = reading.words.iter().find(|it| it.span.start >= mention.span.end);
    let after = after.filter(|it| it.clause == word.clause);
    let third = word.form.ends_with('s') && !word.form.ends_with("ss") && before.is_some();
    let goes_on =
        word.form.ends_with("ing") && before.is_some_and(|it| KEEPS.contains(&it.form.as_str()));
    let stays = after.is_some_and(|it| {
        matches!(it.form.as_str(), "list" | "rule" | "rules" | "lists" | "policy")
    }) && reading.words.iter().any(|it| {
        it.clause == word.clause
            && matches!(it.form.as_str(), "stays" | "remains" | "stay" | "remain")
    });
    third || goes_on || stays
}

/// Whether it is said of how things are: `blocked by the gateway`, `막혀 있는`; not `막혀야`.
fn is_state(said: &Said<'_, '_>, mention: &Mention) -> bool {
    const SHALL: [&str; 3] = ["야", "게", "도록"];
    said.reading.is_of_class(AS_IT_IS, mention.span)
        && !said.reading.words.iter().any(|word| {
            word.span.overlaps(mention.span) && SHALL.iter().any(|it| word.form.ends_with(it))
        })
}

/// Where different things are said in different sentences, what is said last is what is wanted:
/// first comes how things are.
fn last_said(said: &Said<'_, '_>, mut options: Vec<Candidate>) -> Vec<Candidate> {
    let sentence = |span: Span| {
        said.reading.words.iter().find(|it| it.span.overlaps(span)).map(|it| it.sentence)
    };
    let spoken = options.iter().filter(|it| !it.mentions.is_empty()).count();
    if spoken < 2 {
        return options;
    }
    let last = options.iter().flat_map(|it| &it.mentions).filter_map(|it| sentence(it.span)).max();
    // What somebody asked for before is wanted as well.
    let asked = |nth: Option<usize>| {
        let wishes = said.reading.classes.get(REQUESTS);
        wishes.is_some_and(|spans| spans.iter().any(|it| sentence(*it) == nth))
    };
    for option in &mut options {
        option.mentions.retain(|it| {
            let nth = sentence(it.span);
            let opens = said.reading.text.tokens.iter().find(|token| Some(token.sentence) == nth);
            // English commands begin with the verb.
            let commands = opens.is_some_and(|token| {
                token.script == Script::Latin && token.span.start == it.span.start
            });
            nth == last || commands || asked(nth)
        });
    }
    options
}

/// Of two mentions that overlap, the longer one is meant.
fn longest(said: &Said<'_, '_>, mut options: Vec<Candidate>) -> Vec<Candidate> {
    let all: Vec<Mention> = options.iter().flat_map(|it| it.mentions.iter().copied()).collect();
    for option in &mut options {
        // A phrase of a class is one thing said: `lift the block` asks for no block.
        let alone = |it: &Mention| !it.joint || it.length == 1;
        option.mentions.retain(|mention| {
            // `stop blocking` stops nothing.
            let begins = |other: &Mention| {
                other.span.start == mention.span.start
                    && said.reading.text.slice(mention.span).is_ascii()
            };
            !alone(mention)
                || !all.iter().filter(|other| alone(other)).any(|other| {
                    (!mention.joint || begins(other))
                        && other.span.overlaps(mention.span)
                        && other.span != mention.span
                        && (other.length, other.span.end - other.span.start)
                            > (mention.length, mention.span.end - mention.span.start)
                })
        });
    }
    options
}

/// Words that ask for something to be done.
const REQUESTS: &str = "requests";
/// Words for how things are, beside how they shall be.
const AS_IT_IS: &str = "blocked_now";

/// The value that most is said for, with where; several where as much is said for each.
fn best(options: Vec<Candidate>) -> Vec<(Value, Span)> {
    let plainly = |option: &Candidate| option.mentions.iter().any(|it| !it.joint || it.length == 1);
    // What is said in so many words prevails over what several words hint at.
    let some_plainly = options.iter().any(plainly);
    let said_for = |option: &Candidate| {
        if some_plainly && !plainly(option) {
            return 0;
        }
        option.mentions.iter().map(|it| it.length).sum::<usize>()
    };
    let most = options.iter().map(said_for).max().unwrap_or(0);
    options
        .into_iter()
        .filter(|option| most > 0 && said_for(option) == most)
        .filter_map(|option| {
            let longest = option.mentions.iter().max_by_key(|it| it.length)?;
            Some((option.value, longest.span))
        })
        .collect()
}
