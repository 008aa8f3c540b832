//! Tables without frames: easy to read, easy to cut with other tools.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Width, presets,
};

use super::plain;

/// In characters. What is narrower than this is no terminal that a person reads tables on.
const NARROWEST: u16 = 60;

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

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn render(&self, color: bool) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(self.columns.iter().map(|column| {
            let (Column::Left(title) | Column::Right(title) | Column::Words(title)) = column;
            match color {
                true => Cell::new(title).add_attribute(Attribute::Bold),
                false => Cell::new(title),
            }
        }));
        for row in &self.rows {
            table.add_row(row.iter().map(|(text, tone)| {
                let cell = Cell::new(plain(text));
                match tone {
                    _ if !color => cell,
                    Tone::Plain => cell,
                    Tone::Good => cell.fg(Color::Green),
                    Tone::Attention => cell.fg(Color::Yellow),
                    Tone::Bad => cell.fg(Color::Red),
                }
            }));
        }
        for (at, column) in self.columns.iter().enumerate() {
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
        // A terminal that does not say its width is taken for wide.
        if table.width().is_some_and(|width| width < NARROWEST) {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        table.trim_fmt()
    }
}
