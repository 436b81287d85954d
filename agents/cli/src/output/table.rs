//! Columns that line up, also with Korean text in them.

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::output::style::{FAINT, paint};

/// Rows under one heading; columns are as wide as their widest cell.
#[derive(Debug, Default)]
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

/// One cell.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text in a style.
    pub fn styled(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: Style::new() }
    }
}

impl Table {
    /// An empty table with these columns; without headings where they are empty.
    pub fn new<const N: usize>(heading: [&'static str; N]) -> Self {
        Self { heading: heading.to_vec(), rows: Vec::new(), indent: 0 }
    }

    /// Moves the table in by some columns.
    #[must_use]
    pub const fn indented(mut self, by: usize) -> Self {
        self.indent = by;
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// The table as lines, without a newline at the end.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).chain([self.heading.len()]).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let heading = self.heading.get(column).map_or(0, |text| text.width());
                cells.map(|cell| cell.text.width()).chain([heading]).max().unwrap_or(0)
            })
            .collect();
        let heading: Vec<Cell> =
            self.heading.iter().map(|text| Cell::styled(FAINT, *text)).collect();
        let headed = self.heading.iter().any(|text| !text.is_empty());
        headed
            .then_some(&heading)
            .into_iter()
            .chain(&self.rows)
            .map(|row| self.render_row(row, &widths))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn render_row(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = " ".repeat(self.indent);
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            line.push_str(&paint(cell.style, &cell.text));
            // The last column stays ragged: no white space before the line's end.
            if i + 1 < row.len() {
                line.push_str(&" ".repeat(width.saturating_sub(cell.text.width()) + 2));
            }
        }
        line.trim_end().to_owned()
    }
}

/// The text cut to a number of columns, with `…` where something is missing.
pub fn cut(text: &str, columns: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.width() <= columns {
        return flat;
    }
    let mut kept = String::new();
    for character in flat.chars() {
        let mut next = kept.clone();
        next.push(character);
        if next.width() + 1 > columns {
            break;
        }
        kept = next;
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_wide_characters() {
        let mut table = Table::new(["WHAT", "N"]);
        table.row(["운영".into(), "1".into()]);
        table.row(["production".into(), "2".into()]);
        let plain = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(plain, "WHAT        N\n운영        1\nproduction  2");
    }

    #[test]
    fn long_text_is_cut_at_the_column() {
        assert_eq!(cut("Secure edge cache\nfor API", 12), "Secure edge…");
        assert_eq!(cut("운영 API", 5), "운영…");
        assert_eq!(cut("short", 12), "short");
    }
}
