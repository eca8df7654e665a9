//! A table whose rows are printed one at a time, in columns whose widths are known beforehand.

use std::io::{self, Write};

/// A column: its title, the texts that decide its width, and the side that its cells stand on.
#[derive(Debug)]
pub struct Column {
    title: String,
    width: usize,
    right: bool,
}

/// The columns of a table.
#[derive(Debug)]
pub struct Table(Vec<Column>);

impl Column {
    /// A column of texts, as wide as the widest of `samples`.
    pub fn left<S: AsRef<str>>(
        title: impl Into<String>,
        samples: impl IntoIterator<Item = S>,
    ) -> Self {
        let title = title.into();
        let widest = samples.into_iter().map(|text| text.as_ref().chars().count()).max();
        Self { width: widest.unwrap_or(0).max(title.len()), title, right: false }
    }

    /// A column of numbers of up to `width` characters.
    pub fn right(title: impl Into<String>, width: usize) -> Self {
        let title = title.into();
        Self { width: width.max(title.len()), title, right: true }
    }
}

impl Table {
    /// Prints the line of titles.
    pub fn begin(columns: Vec<Column>, out: &mut impl Write) -> io::Result<Self> {
        let table = Self(columns);
        let titles: Vec<String> = table.0.iter().map(|column| column.title.clone()).collect();
        table.row(&titles, out)?;
        Ok(table)
    }

    /// Prints a row, one cell for each column.
    pub fn row(&self, cells: &[String], out: &mut impl Write) -> io::Result<()> {
        assert_eq!(cells.len(), self.0.len(), "a cell for each column");
        let padded = self.0.iter().zip(cells).map(|(column, cell)| {
            let width = column.width;
            if column.right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        let line = padded.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
        out.flush()
    }
}

/// A count with separators: `1,234,567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The last `count` lines, indented by four columns.
pub fn indented_tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_in_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn cells_stand_under_their_titles() {
        let mut out = Vec::new();
        let columns = vec![Column::left("name", ["a", "longer"]), Column::right("n", 3)];
        let table = Table::begin(columns, &mut out).expect("a Vec takes everything");
        table.row(&["a".to_owned(), "12".to_owned()], &mut out).expect("as above");
        assert_eq!(String::from_utf8(out).expect("text"), "name      n\na        12\n");
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        assert_eq!(indented_tail("a\nb\nc\n", 2), "    b\n    c\n");
        assert_eq!(indented_tail("", 2), "");
    }
}
