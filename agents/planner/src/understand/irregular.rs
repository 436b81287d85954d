//! English verbs whose past is no ending: `taken down` is `take down`, `torn` is `tear`.
//!
//! Without those that are more often another word (`found`, `left`, `saw`), and those of speech
//! (`told`, `shown`): what somebody was told is not what the reader is to tell.

/// The verb that a form is of.
pub(super) fn base(form: &str) -> Option<&'static str> {
    let at = FORMS.binary_search_by_key(&form, |(form, _)| form).ok()?;
    FORMS.get(at).map(|(_, base)| *base)
}

/// In order, for the search.
const FORMS: [(&str, &str); 47] = [
    ("began", "begin"),
    ("begun", "begin"),
    ("blown", "blow"),
    ("broke", "break"),
    ("broken", "break"),
    ("brought", "bring"),
    ("built", "build"),
    ("chosen", "choose"),
    ("dealt", "deal"),
    ("drawn", "draw"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("fallen", "fall"),
    ("fell", "fall"),
    ("forbade", "forbid"),
    ("forgot", "forget"),
    ("forgotten", "forget"),
    ("froze", "freeze"),
    ("frozen", "freeze"),
    ("gotten", "get"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("held", "hold"),
    ("hidden", "hide"),
    ("kept", "keep"),
    ("knew", "know"),
    ("led", "lead"),
    ("lent", "lend"),
    ("overrode", "override"),
    ("rebuilt", "rebuild"),
    ("redrawn", "redraw"),
    ("rode", "ride"),
    ("sank", "sink"),
    ("sent", "send"),
    ("shrunk", "shrink"),
    ("sped", "speed"),
    ("stolen", "steal"),
    ("sunk", "sink"),
    ("swung", "swing"),
    ("taken", "take"),
    ("threw", "throw"),
    ("thrown", "throw"),
    ("took", "take"),
    ("tore", "tear"),
    ("torn", "tear"),
    ("withdrawn", "withdraw"),
    ("written", "write"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found() {
        assert!(FORMS.is_sorted());
        for (form, verb) in FORMS {
            assert_eq!(base(form), Some(verb), "{form}");
        }
        assert_eq!(base("take"), None);
    }
}
