//! Whatever is asked: no panic, and no value that the words do not say.
//!
//! `cargo run --release -p planner --example anything -- 100000 10000 tests/intents/develop.jsonl`
//! reads so many random texts, then so many mutations of the intents in the file.

#[path = "../tests/intents/said.rs"]
mod said;

use bus_schema::Request;
use planner::Library;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [random, mutated, file] = arguments.as_slice() else {
        return Err("how many random texts, how many mutations, of which file?".into());
    };
    let library = Library::load(None, None)?;
    let intents: Vec<String> = std::fs::read_to_string(file)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|json| Some(json.get("text")?.as_str()?.to_owned()))
        .collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut all = Counted::default();
    for _ in 0..random.parse::<u32>()? {
        all.ask(&dice.text(), &library);
    }
    for _ in 0..mutated.parse::<u32>()? {
        all.ask(&dice.mutation(&intents), &library);
    }
    let Counted { asked, understood, values, invented } = all;
    #[expect(clippy::print_stdout, reason = "this is what the example is for")]
    {
        println!(
            "{asked} texts, {understood} understood, {values} values, {} invented",
            invented.len()
        );
        for it in &invented {
            println!("  {it}");
        }
    }
    if invented.is_empty() { Ok(()) } else { Err("values that the words do not say".into()) }
}

#[derive(Default)]
struct Counted {
    asked: usize,
    understood: usize,
    values: usize,
    invented: Vec<String>,
}

impl Counted {
    fn ask(&mut self, text: &str, library: &Library) {
        self.asked += 1;
        let request = Request { text: Some(text.to_owned()), ..Request::default() };
        let answer = planner::understand(&request, &library.environments, &library.paths);
        let Ok(understanding) = answer else { return };
        self.understood += 1;
        for (name, grounded) in &understanding.parameters {
            self.values += 1;
            if !said::is_said(text, name, grounded, library) {
                self.invented.push(format!("{text:?}: {name} {grounded:?}"));
            }
        }
    }
}

/// Marsaglia's xorshift64*: the same texts on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(roll).unwrap_or(0) % bound.max(1)
    }

    fn char(&mut self) -> char {
        let (first, count) = match self.below(8) {
            0..=3 => (0x20, 0x5f),
            4..=5 => (0xac00, 11_172),
            6 => (0x00a0, 0x2000),
            _ => (0, 0x10_ffff),
        };
        let code = u32::try_from(first + self.below(count)).unwrap_or(0x20);
        char::from_u32(code).unwrap_or(' ')
    }

    fn text(&mut self) -> String {
        let length = self.below(120);
        (0..length).map(|_| self.char()).collect()
    }

    /// An intent with up to three pieces cut, doubled, swapped with another's or written over.
    fn mutation(&mut self, intents: &[String]) -> String {
        let at = self.below(intents.len());
        let mut chars: Vec<char> =
            intents.get(at).map(|it| it.chars().collect()).unwrap_or_default();
        for _ in 0..=self.below(3) {
            let start = self.below(chars.len());
            let end = (start + self.below(12)).min(chars.len());
            let with: Vec<char> = match self.below(4) {
                0 => Vec::new(),
                1 => chars.get(start..end).unwrap_or_default().repeat(2),
                2 => (0..self.below(4)).map(|_| self.char()).collect(),
                _ => {
                    let other = self.below(intents.len());
                    let other = intents.get(other).map(String::as_str).unwrap_or_default();
                    other.chars().skip(self.below(40)).take(self.below(24)).collect()
                }
            };
            chars.splice(start..end, with);
        }
        chars.into_iter().collect()
    }
}
