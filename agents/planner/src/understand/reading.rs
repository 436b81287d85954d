//! A text read once: its tokens, what it mentions, and its words for looking terms up.

mod denied;

use std::collections::BTreeMap;

use bus_schema::StackName;
use policy::{Environments, GoldenPaths, Words};

use super::entities::{Entities, Found};
use super::keys::Keys;
use super::lexicon::{Lexicon, Terms};
use super::text::{Span, Text};
use super::words::{Term, Word, is_particle, words};
use super::{place, spelling, together};

#[derive(Debug, Clone)]
pub(crate) struct Reading<'a> {
    pub(crate) text: Text<'a>,
    pub(crate) entities: Entities,
    /// Without those inside names: `cache.example.com` does not speak of caching.
    pub(crate) words: Vec<Word>,
    /// Stacks that are named.
    pub(crate) stacks: Vec<Found<StackName>>,
    /// Where words of a kind stand, by the kind's name.
    pub(crate) classes: BTreeMap<String, Vec<Span>>,
    /// Where hosts in the zones of any environment stand.
    pub(crate) ours: Vec<Span>,
    /// What may stand in the text at all.
    pub(crate) keys: Keys,
}

impl<'a> Reading<'a> {
    /// With the declared words that it may hold.
    pub(crate) fn of<'p>(
        text: &'a str,
        environments: &Environments,
        paths: &'p GoldenPaths,
    ) -> (Self, Lexicon<'p>) {
        let text = Text::of(text);
        let entities = Entities::of(&text);
        let mut words = words(&text, &entities.names());
        spelling::correct(&mut words, environments, paths);
        let keys = Keys::of(&words);
        let lexicon = Lexicon::of(paths, &words, &keys);
        let (stacks, classes) = (Vec::new(), BTreeMap::new());
        let is_ours = |host: &str| environments.iter().any(|it| it.zone_of(host).is_some());
        let ours = entities.hosts.iter().filter(|it| is_ours(&it.value)).map(|it| it.span);
        let ours = ours.collect();
        let mut reading = Self { text, entities, words, stacks, classes, ours, keys };
        for (name, terms) in &lexicon.classes {
            let spans = terms.iter().flat_map(|term| term.find_all(&reading.words));
            let mut spans: Vec<Span> = spans.collect();
            spans.sort();
            spans.dedup();
            reading.classes.insert((*name).to_owned(), spans);
        }
        // `the store's front page` keeps nothing: `not_keep` takes words out of `keep`.
        for (name, terms) in &lexicon.classes {
            let Some(spans) = name.strip_prefix("not_").and_then(|it| reading.classes.get_mut(it))
            else {
                continue;
            };
            for not in terms.iter().flat_map(|term| term.find_all(&reading.words)) {
                spans.retain(|it| !it.overlaps(not));
            }
        }
        reading.stacks = place::stack_names(&reading, &lexicon.removal, paths);
        (reading, lexicon)
    }

    /// What stands between two bytes of the text, as if it were all of it.
    pub(crate) fn part(&self, part: Span) -> Self {
        let mut reading = self.clone();
        let within = |span: Span| span.start >= part.start && span.end <= part.end;
        reading.text.tokens.retain(|token| within(token.span));
        reading.words.retain(|word| within(word.span));
        reading.stacks.retain(|stack| within(stack.span));
        reading.entities.retain(within);
        reading.classes.values_mut().for_each(|spans| spans.retain(|span| within(*span)));
        reading
    }

    /// The same without what stands in these places.
    pub(crate) fn without(&self, places: &[Span]) -> Self {
        let mut reading = self.clone();
        let clear = |span: Span| !places.iter().any(|it| it.overlaps(span));
        reading.text.tokens.retain(|token| clear(token.span));
        reading.words.retain(|word| clear(word.span));
        reading.stacks.retain(|stack| clear(stack.span));
        reading.ours.retain(|span| clear(*span));
        reading.entities.retain(clear);
        reading.classes.values_mut().for_each(|spans| spans.retain(|span| clear(*span)));
        reading
    }

    /// The same without the words of stacks' names: `retire waf-edge` does not speak of a firewall.
    pub(crate) fn without_stacks(&self) -> Self {
        let mut reading = self.clone();
        let clear = |span: Span| !self.stacks.iter().any(|it| it.span.overlaps(span));
        reading.words.retain(|word| clear(word.span));
        reading.classes.values_mut().for_each(|spans| spans.retain(|span| clear(*span)));
        reading
    }

    /// Every place one of these words stands, or the kinds of words that mean the same; whether it
    /// is meant there, not as in `no waf` and `캐시 없이`, is said of each.
    pub(crate) fn mentions(&self, words: &Words) -> Vec<Mention> {
        let mut mentions = self.mentions_of_words(words.iter());
        mentions.extend(words.together.iter().flat_map(|it| together::find(self, it)));
        mentions
    }

    /// The same, without kinds of words.
    pub(crate) fn mentions_of_words<'w>(
        &self,
        words: impl Iterator<Item = &'w str>,
    ) -> Vec<Mention> {
        let terms: Vec<Term> =
            words.filter(|word| self.keys.may_hold(word)).map(Term::of).collect();
        self.mentions_of_terms(&terms)
    }

    /// The same, of words that are ready to be looked for.
    pub(crate) fn mentions_of(&self, terms: &Terms<'_>) -> Vec<Mention> {
        let mut mentions = self.mentions_of_terms(&terms.single);
        mentions.extend(terms.together.iter().flat_map(|it| together::find(self, it)));
        mentions
    }

    /// The same, without kinds of words.
    pub(crate) fn mentions_of_terms(&self, terms: &[Term]) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = terms
            .iter()
            .flat_map(|term| {
                let length = term.len();
                term.find_all(&self.words).into_iter().map(move |span| (span, length))
            })
            .map(|(span, length)| {
                let negated = self.is_negated(span);
                Mention { span, length, negated, joint: false }
            })
            .collect();
        mentions.sort_by_key(|mention| (mention.span, usize::MAX - mention.length));
        mentions.dedup_by_key(|mention| mention.span);
        mentions
    }

    /// The words just before a place, nearest first, with nothing but words in between.
    pub(crate) fn before(&self, place: Span) -> impl Iterator<Item = &Word> {
        let clause = self.clause(place);
        let from = self.names_end_before(place);
        self.words.iter().rev().filter(move |word| {
            word.span.end <= place.start && word.span.start >= from && Some(word.clause) == clause
        })
    }

    /// The words just after a place, nearest first, with nothing but words in between.
    pub(crate) fn after(&self, place: Span) -> impl Iterator<Item = &Word> {
        let clause = self.clause(place);
        let until = self.names_start_after(place);
        self.words.iter().filter(move |word| {
            word.span.start >= place.end && word.span.end <= until && Some(word.clause) == clause
        })
    }

    fn clause(&self, place: Span) -> Option<usize> {
        self.text.tokens.iter().find(|token| token.span.overlaps(place)).map(|token| token.clause)
    }

    fn names_end_before(&self, place: Span) -> usize {
        let ends = self.entities.names().into_iter().map(|name| name.end);
        ends.filter(|end| *end <= place.start).max().unwrap_or(0)
    }

    fn names_start_after(&self, place: Span) -> usize {
        let starts = self.entities.names().into_iter().map(|name| name.start);
        starts.filter(|start| *start >= place.end).min().unwrap_or(usize::MAX)
    }

    /// English says no before, Korean after.
    pub(crate) fn is_negated(&self, place: Span) -> bool {
        self.is_negated_before(place) || self.is_negated_after(place)
    }

    /// `no cache`, `without any cache`, `don't put a cache in front`, `stop caching`.
    fn is_negated_before(&self, place: Span) -> bool {
        const NO: [&str; 8] =
            ["no", "not", "without", "never", "except", "excluding", "minus", "cannot"];
        // What comes after one of these is meant again.
        const TURN: [&str; 12] = [
            "but", "only", "just", "instead", "so", "then", "and", "until", "because", "unless",
            "have", "if",
        ];
        const AUXILIARY: [&str; 15] = [
            "don", "doesn", "won", "shouldn", "isn", "mustn", "didn", "wouldn", "can", "couldn",
            "aren", "wasn", "weren", "hasn", "needn",
        ];
        let clause = self.clause(place);
        // `do not put smtp.example.com behind the proxy`: names do not end what is denied.
        let before = self.words.iter().rev().skip_while(|word| word.span.end > place.start);
        let mut before = before
            .take_while(|word| Some(word.clause) == clause)
            // `no-games` is a name.
            .filter(|word| {
                let rest = self.text.original.get(word.span.end..place.start).unwrap_or_default();
                !(rest.starts_with('-') && rest.contains(char::is_whitespace))
            })
            .map(|word| word.form.as_str())
            .peekable();
        if self.before(place).any(|word| word.form == "nobody") {
            return true;
        }
        let mut nth = 0;
        while let Some(form) = before.next() {
            if TURN.contains(&form) {
                return false;
            }
            // `I don't want a single laptop of ours to be able to`.
            let wanted = matches!(form, "want" | "wants" | "wish" | "like");
            if wanted && before.peek().is_some_and(|it| matches!(*it, "t" | "not")) {
                return true;
            }
            if nth >= NEGATION_REACH {
                nth += 1;
                if nth > FAR_REACH {
                    return false;
                }
                continue;
            }
            match form {
                // An apostrophe ends a word.
                "t" if before.peek().is_some_and(|it| AUXILIARY.contains(it)) => return true,
                // `Cloudflare's` is one word.
                "s" => {}
                "stop" | "quit" | "cease" if nth == 0 => {
                    return self.spoken(place).any(|it| it.form.ends_with("ing"));
                }
                // `no` denies what it stands before; `not` all that follows.
                "no" | "without" | "minus" if nth > 2 => return false,
                _ if NO.contains(&form) => return true,
                _ => nth += 1,
            }
        }
        false
    }

    /// `캐시 없이`, `R2 버킷 말고`, `차단 해제`, `차단하지 말고`, `cache nothing`.
    fn is_negated_after(&self, place: Span) -> bool {
        const NO: [&str; 24] = [
            "됐고",
            "됐구",
            "됐어",
            "됐습",
            "아님",
            "아닙",
            "아니에",
            "없거든",
            "없으니",
            "없고",
            "없이",
            "없는",
            "없도록",
            "말고",
            "빼고",
            "제외",
            "해제",
            "풀어",
            "풀고",
            "취소",
            "중단",
            "아니라",
            "아니고",
            "아직",
        ];
        const DO_NOT: [&str; 8] = ["마", "말고", "말아", "말라", "말자", "말기", "말 ", "않"];
        // Words that end as verbs do before such a denial.
        const NOUNS: [&str; 5] = ["페이지", "홈페지", "이미지", "메시지", "까지"];
        // How it shall be, and not what is taken away: `접속되게 풀어 주세요`.
        const SHALL: [&str; 2] = ["게", "도록"];
        let starts = |form: &str, with: &[&str]| with.iter().any(|no| form.starts_with(no));
        // A particle after a word in another script is a word of its own: `R2는 필요 없어요`.
        let mut after =
            self.after(place).map(|word| word.form.as_str()).skip_while(|form| is_particle(form));
        // `R2로 빼고` moves something there.
        let mut ends = self.after(place).map(|word| word.form.as_str());
        let moved = ends.next().is_some_and(|it| matches!(it, "로" | "으로"))
            || self.spoken(place).any(|word| word.form.ends_with('로'));
        let next = after.next().unwrap_or_default();
        let second = after.next().unwrap_or_default();
        let shall = self.spoken(place).any(|word| SHALL.iter().any(|it| word.form.ends_with(it)));
        self.spoken(place).any(|word| {
            NO.iter().any(|no| word.form.len() > no.len() && word.form.ends_with(no))
                || word.form.ends_with('지')
                    && !NOUNS.iter().any(|noun| word.form.ends_with(noun))
                    && starts(next, &DO_NOT)
                || word.form.ends_with("지는") && starts(next, &DO_NOT)
        }) || starts(next, &NO) && !shall && !(moved && next.starts_with("빼"))
            || next == "nothing"
            || next.ends_with('지') && starts(second, &DO_NOT)
            || next.starts_with("필요") && starts(second, &["없", "안"])
            || next.starts_with("필요없")
            || next.ends_with('면') && starts(second, &["안", "절대"])
            || self.is_set_aside(place)
            || self.is_not_what_is_meant(place)
            || matches!(next, "안" | "못")
                && starts(
                    second,
                    &[
                        "써", "쓰", "쓸", "씁", "씀", "쓴", "해", "하", "할", "합", "함", "돼",
                        "되", "타", "탑", "탈", "거", "지나", "통과", "이용", "사용", "넣", "붙",
                    ],
                )
            || self.is_in_a_denied_list(place)
            || matches!(next, "거" | "것" | "건" | "걸" | "것을") && starts(second, &NO)
            || matches!(second, "말고" | "없이" | "대신" | "아니라")
            || second == "빼고" && !moved
    }

    /// Whether a word of that class stands there.
    pub(crate) fn is_of_class(&self, class: &str, span: Span) -> bool {
        self.classes.get(class).is_some_and(|spans| spans.iter().any(|it| it.overlaps(span)))
    }

    fn spoken(&self, place: Span) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(move |word| word.span.overlaps(place))
    }
}

/// How many words after `don't` are still denied.
const NEGATION_REACH: usize = 5;

/// The same after `don't want`, which is said of a whole sentence.
const FAR_REACH: usize = 12;

/// A place where a declared word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) span: Span,
    /// Of how many words: the longer one of two that overlap is meant.
    pub(crate) length: usize,
    pub(crate) negated: bool,
    /// Whether it is several words that mean it together, with others in between.
    pub(crate) joint: bool,
}
