//! Sizes, ports and regions: numbers that say how large, through which door and where.

use super::Noise;
use crate::understand::text::{Span, Token};

/// Bytes in decimal and binary prefixes (IEC 80000-13), and their rates.
const SIZES: [&str; 21] = [
    "b",
    "kb",
    "mb",
    "gb",
    "tb",
    "pb",
    "kib",
    "mib",
    "gib",
    "tib",
    "bytes",
    "byte",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "terabytes",
    "gbps",
    "mbps",
    "kbps",
    "gbit",
    "mbit",
];
const KOREAN_SIZES: [&str; 6] = ["메가", "기가", "테라", "킬로바이트", "바이트", "페타"];

/// The sort of a token with a digit in it, beside its neighbours.
pub(super) fn read(token: &Token, before: &str, next: &str, both: Span) -> Option<(Noise, Span)> {
    let form = token.form.as_str();
    let digits = form.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    let counts = digits.len() < form.len();
    if counts && digits.len() > 1 && SIZES.contains(&digits) {
        return Some((Noise::Size, token.span));
    }
    if counts && digits.is_empty() {
        if next.len() > 1 && SIZES.contains(&next)
            || KOREAN_SIZES.iter().any(|it| next.starts_with(it))
        {
            return Some((Noise::Size, both));
        }
        let port = form.parse::<u16>().is_ok();
        if port && matches!(before, "port" | "ports" | "포트" | "tcp" | "udp") {
            return Some((Noise::Port, token.span));
        }
        if port && (next.starts_with("번포트") || matches!(next, "/tcp" | "/udp")) {
            return Some((Noise::Port, both));
        }
    }
    is_region(form).then_some((Noise::Region, token.span))
}

/// Two letters, where in the world, a number: as clouds name them.
fn is_region(form: &str) -> bool {
    let parts: Vec<&str> = form.split('-').collect();
    let [area, place, number] = parts.as_slice() else { return false };
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase());
    area.len() == 2
        && letters(area)
        && ["north", "south", "east", "west", "central"].iter().any(|it| place.contains(it))
        && letters(place)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::understand::entities::{Entities, Noise};
    use crate::understand::text::Text;

    fn noise(text: &str) -> Vec<(Noise, String)> {
        let text = Text::of(text);
        let noise = Entities::of(&text).noise;
        noise.into_iter().map(|(sort, span)| (sort, text.slice(span).to_owned())).collect()
    }

    #[test]
    fn sizes_ports_and_regions_are_told_from_loads() {
        for (text, sort, words) in [
            ("files of 10 MB", Noise::Size, "10 MB"),
            ("2.5GB each", Noise::Size, "2.5GB"),
            ("900메가 파일", Noise::Size, "900메가"),
            ("open port 22", Noise::Port, "22"),
            ("in ap-northeast-2", Noise::Region, "ap-northeast-2"),
        ] {
            assert_eq!(noise(text), [(sort, words.to_owned())], "{text}");
        }
        for text in ["10 rps", "5 minutes", "10k rps", "us-and-them-1"] {
            assert_eq!(noise(text), [], "{text}");
        }
    }
}
