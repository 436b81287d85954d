//! Fields that are somebody else's. Pure.

use std::collections::BTreeSet;

use bus_schema::Properties;

/// The fields that are compared with what is there: without those that are ignored.
#[must_use]
pub fn compared(wanted: &Properties, ignored: &BTreeSet<String>) -> Properties {
    let kept = wanted.0.iter().filter(|(field, _)| !ignored.contains(*field));
    kept.map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// The fields that are written over what is there: those that are ignored stay as they are.
#[must_use]
pub fn yielding(
    wanted: &Properties,
    present: &Properties,
    ignored: &BTreeSet<String>,
) -> Properties {
    let mut yielding = compared(wanted, ignored);
    let there = ignored.iter().filter_map(|field| Some((field.clone(), present.get(field)?)));
    yielding.0.extend(there.map(|(field, value)| (field, value.clone())));
    yielding
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields() -> impl Strategy<Value = Properties> {
        let field = prop::sample::select(vec!["a", "b", "c", "d"]);
        prop::collection::btree_map(field, 0..3_i64, 0..5)
            .prop_map(|map| map.into_iter().map(|(f, v)| (f.to_owned(), v.into())).collect())
    }

    fn ignored() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set("[a-d]", 0..4)
    }

    proptest! {
        #[test]
        fn what_is_ignored_stays_and_the_rest_is_as_wanted(
            wanted in fields(), present in fields(), ignored in ignored(),
        ) {
            let written = yielding(&wanted, &present, &ignored);
            for field in ["a", "b", "c", "d"] {
                let from = if ignored.contains(field) { &present } else { &wanted };
                prop_assert_eq!(written.get(field), from.get(field));
            }
            prop_assert_eq!(compared(&written, &ignored), compared(&wanted, &ignored));
            prop_assert_eq!(yielding(&written, &present, &ignored), written);
        }
    }
}
