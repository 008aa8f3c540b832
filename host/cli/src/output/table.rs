//! Tables without frames: easy to read, easy to cut with other tools.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Width, presets,
};

use super::plain;
use super::width::wrapped;

/// In characters. What is narrower than this is no terminal that a person reads tables on.
const NARROWEST: u16 = 40;

/// Sentences are not wrapped narrower than this; the terminal breaks the line then.
const LEAST_WORDS: u16 = 30;

/// What a cell says beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Attention,
    Bad,
}

/// A column's heading, and how it stands.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    Left(&'static str),
    Right(&'static str),
    /// Sentences: wrapped where the terminal is narrow. The others never are, because
    /// an id in pieces cannot be copied.
    Words(&'static str),
}

/// Rows under headings. Cells are made harmless when they are printed.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// A row of plain cells.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.toned(cells.map(|text| (text, Tone::Plain)));
    }

    /// A row of cells, each with its tone.
    pub fn toned<const N: usize>(&mut self, cells: [(String, Tone); N]) {
        self.rows.push(cells.into());
    }

    /// A row of as many cells as there are columns.
    pub fn cells(&mut self, cells: Vec<(String, Tone)>) {
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `width`: of the terminal, in characters; none: it does not say, and is taken for
    /// wide. Three layouts, the first that fits: a table; sentences under their rows; each row
    /// as a paragraph.
    pub(super) fn render(&self, color: bool, width: Option<u16>) -> String {
        let fits = |text: &str| {
            let longest = text.lines().map(|line| line.chars().count()).max();
            width.is_none_or(|width| longest.unwrap_or(0) <= usize::from(width))
        };
        let narrow = width.is_some_and(|width| width < NARROWEST);
        if narrow || fits(&self.side_by_side(false, width, |_| true)) {
            return self.side_by_side(color, width, |_| true);
        }
        let below = self.words_below(color, width);
        match self.beside_fits(width) {
            true => below,
            false => self.paragraphs(color, width),
        }
    }

    /// Whether the rows fit without their sentences.
    fn beside_fits(&self, width: Option<u16>) -> bool {
        let beside = |column: &Column| !matches!(column, Column::Words(_));
        let table = self.side_by_side(false, None, beside);
        let longest = table.lines().map(|line| line.chars().count()).max();
        width.is_none_or(|width| longest.unwrap_or(0) <= usize::from(width))
    }

    /// Each row as a paragraph of headings and cells; what has no value is left out.
    fn paragraphs(&self, color: bool, width: Option<u16>) -> String {
        let mut text = Vec::with_capacity(self.rows.len() * 2);
        for row in &self.rows {
            let mut first = true;
            let mut line = String::new();
            let mut words = Vec::new();
            for ((cell, tone), column) in row.iter().zip(&self.columns) {
                let (Column::Left(title) | Column::Right(title) | Column::Words(title)) = column;
                let cell = plain(cell);
                if cell.is_empty() || cell == "-" {
                    continue;
                }
                if let Column::Words(_) = column {
                    words.push(format!("    {cell}"));
                    continue;
                }
                let shown = toned(&cell, *tone, color);
                match first {
                    true => line.push_str(&shown),
                    false => line.push_str(&format!("  {} {shown}", title.to_lowercase())),
                }
                first = false;
            }
            text.push(wrapped(&line, width).into_owned());
            text.extend(words.iter().map(|line| wrapped(line, width).into_owned()));
        }
        text.join("\n")
    }

    /// Every column beside the other, as far as it is shown.
    fn side_by_side(
        &self,
        color: bool,
        width: Option<u16>,
        shown: impl Fn(&Column) -> bool,
    ) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        match width {
            Some(width) if width >= NARROWEST => {
                table
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .set_width(width);
            }
            _ => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        let columns = || self.columns.iter().filter(|column| shown(column));
        table.set_header(columns().map(|column| {
            let (Column::Left(title) | Column::Right(title) | Column::Words(title)) = column;
            match color {
                true => Cell::new(title).add_attribute(Attribute::Bold),
                false => Cell::new(title),
            }
        }));
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns);
            let cells = cells.filter(|(_, column)| shown(column));
            table.add_row(cells.map(|((text, tone), _)| {
                let cell = Cell::new(plain(text));
                match tone {
                    _ if !color => cell,
                    Tone::Plain => cell,
                    Tone::Good => cell.fg(Color::DarkGreen),
                    Tone::Attention => cell.fg(Color::DarkMagenta),
                    Tone::Bad => cell.fg(Color::DarkRed),
                }
            }));
        }
        for (at, column) in columns().enumerate() {
            let Some(of_table) = table.column_mut(at) else {
                continue;
            };
            of_table.set_padding((0, 2));
            if let Column::Right(_) = column {
                of_table.set_cell_alignment(CellAlignment::Right);
            }
            of_table.set_constraint(match column {
                Column::Words(_) => ColumnConstraint::LowerBoundary(Width::Fixed(LEAST_WORDS)),
                Column::Left(_) | Column::Right(_) => ColumnConstraint::ContentWidth,
            });
        }
        table.trim_fmt()
    }

    /// Sentences under the row they belong to: for a terminal that is too narrow to have
    /// them beside it.
    fn words_below(&self, color: bool, width: Option<u16>) -> String {
        let beside = |column: &Column| !matches!(column, Column::Words(_));
        let table = self.side_by_side(color, None, beside);
        let mut lines = table.lines();
        let mut text: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
        for row in &self.rows {
            text.extend(lines.next().map(str::to_owned));
            let words = row.iter().zip(&self.columns);
            let words = words.filter(|((words, _), column)| !beside(column) && !words.is_empty());
            text.extend(words.map(|((words, _), _)| {
                let line = format!("    {}", plain(words));
                wrapped(&line, width).into_owned()
            }));
        }
        text.join("\n")
    }
}

/// A cell in its colour. Each of them can be read on white as on black; yellow cannot.
fn toned(cell: &str, tone: Tone, color: bool) -> String {
    let code = match tone {
        _ if !color => return cell.to_owned(),
        Tone::Plain => return cell.to_owned(),
        Tone::Good => 32,
        Tone::Attention => 35,
        Tone::Bad => 31,
    };
    format!("\u{1b}[{code}m{cell}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            Column::Left("WORKSPACE"),
            Column::Right("FROM"),
            Column::Words("WHY"),
        ]);
        let id = "w".repeat(50);
        table.row([id.clone(), "5".to_owned(), "because it is so".to_owned()]);
        table.row([id, "7".to_owned(), String::new()]);
        table
    }

    #[test]
    fn words_stand_beside_their_row_where_there_is_room() {
        for width in [None, Some(100)] {
            let text = table().render(false, width);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 3, "{text}");
            assert!(lines[1].ends_with("because it is so"), "{text}");
        }
    }

    #[test]
    fn words_stand_under_their_row_where_there_is_none() {
        let text = table().render(false, Some(70));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[1].ends_with(" 5"), "{text}");
        assert_eq!(lines[2], "    because it is so");
        assert!(lines[3].ends_with(" 7"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 70));
    }
    #[test]
    fn rows_that_are_too_wide_are_paragraphs_with_their_headings() {
        let columns = [
            Column::Left("WORKSPACE"),
            Column::Left("ACCOUNT"),
            Column::Right("FROM"),
            Column::Words("WHY"),
        ];
        let mut table = Table::new(columns);
        let cells = ["w".repeat(30), "a".repeat(30), "5".to_owned()];
        let [workspace, account, from] = cells;
        table.row([workspace, account, from, "because it is so".to_owned()]);
        table.row(["w2", "-", "7", ""].map(str::to_owned));
        let text = table.render(false, Some(60));
        let (w, a) = ("w".repeat(30), "a".repeat(30));
        assert_eq!(
            text,
            format!("{w}  account\n  {a}  from 5\n    because it is so\nw2  from 7")
        );
    }

    #[test]
    fn no_colour_is_one_that_white_swallows() {
        let mut table = Table::new([Column::Left("A")]);
        table.toned([("x".to_owned(), Tone::Attention)]);
        for width in [None, Some(80)] {
            let text = table.render(true, width);
            assert!(!text.contains("[33m") && !text.contains("[93m"), "{text:?}");
        }
    }
}
