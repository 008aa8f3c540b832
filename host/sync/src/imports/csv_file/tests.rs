use super::*;
use crate::imports::Doubt;

fn text(cells: &[Cow<'_, [u8]>]) -> String {
    let cells = cells.iter().map(|cell| String::from_utf8_lossy(cell));
    cells.collect::<Vec<_>>().join("·")
}

/// Rows with their lines, or the problem that ends the reading; of rows of another width
/// and of a cut the problem too.
fn rows(content: impl Into<Vec<u8>>) -> Vec<String> {
    let source = Source::new("f.csv", content);
    let (mut file, header) = match CsvFile::open(&source) {
        Ok(opened) => opened,
        Err(problem) => return vec![problem.message],
    };
    let mut found = vec![format!("{} {}", header.line, text(&header.cells))];
    loop {
        match file.next_row() {
            Ok(None) => break,
            Ok(Some(row)) => match file.other_width(&row) {
                None => found.push(format!("{} {}", row.line, text(&row.cells))),
                Some(problem) => found.push(problem.message),
            },
            Err(problem) => {
                assert_eq!(problem.code, "csv-quote");
                found.push(problem.message);
                return found;
            }
        }
    }
    found.extend(file.cut().map(|problem| problem.message));
    found
}

#[test]
fn rows_know_the_line_they_begin_in_whatever_ends_the_lines() {
    for end in ["\n", "\r\n", "\r"] {
        let content = [
            "", "a,b", "", "  ", "1,\"x", "y\"", "", "2,z", ",", "3,w", "",
        ]
        .join(end);
        let multi = format!("5 1·x{end}y");
        assert_eq!(
            rows(content),
            ["2 a·b", &multi, "8 2·z", "10 3·w"],
            "{end:?}"
        );
    }
}

#[test]
fn cells_are_taken_out_of_their_quotes() {
    let content = "\u{feff}a;b\r\n\"1;2\";\"say \"\"hi\"\"\"\r\n\"\";\"\"\"\"\r\n";
    assert_eq!(rows(content), ["1 a·b", "2 1;2·say \"hi\"", "3 ·\""]);
    assert_eq!(rows(""), ["1 "]);
}

#[test]
fn a_quote_out_of_place_ends_the_reading_at_the_line_where_its_row_begins() {
    for (content, expected) in [
        (
            "a,b\n1,x\n2,\"y\n3,z\n",
            "f.csv, line 3, column 2: the quote that opens here is never closed: it takes in \
             everything up to the end of the file, line 5",
        ),
        (
            "a,b\r\n\r\n1,19\" rack\r\n",
            "f.csv, line 3, column 2: a quote stands inside of a cell that is not quoted",
        ),
        (
            "a,b\n1, \"x\"\n",
            "f.csv, line 2, column 2: a quote stands inside of a cell that is not quoted",
        ),
        (
            "a,b\n1,\"Rack\n2,y\n3,\"Row\n",
            "f.csv, line 2, column 2: the quote that opens here is closed in line 4, and the cell \
             goes on behind it",
        ),
        (
            "a,b\n1,\"x\"y\n",
            "f.csv, line 2, column 2: the quote that opens here is closed in line 2, and the cell \
             goes on behind it",
        ),
        // Closed further down, by another quote that is out of place.
        (
            "a,b\n1,\"Rack\n2,y\n3,Row\"\n",
            "f.csv, line 2, column 2: the quote that opens here takes in what looks like rows, up \
             to line 4",
        ),
        // In the middle of a row, so that another row's cells come behind it.
        (
            "a,name,b\n1,\"Rack,2\n3,Row\",4\n",
            "f.csv, line 2, column 2: the quote that opens here takes in what looks like rows, up \
             to line 3",
        ),
    ] {
        let found = rows(content);
        assert_eq!(
            found.last().map(String::as_str),
            Some(expected),
            "{content}"
        );
    }
}

#[test]
fn a_note_of_several_lines_is_a_cell() {
    assert_eq!(
        rows("a,note,b\n1,\"one\ntwo, three\",2\n3,x,4\n"),
        ["1 a·note·b", "2 1·one\ntwo, three·2", "4 3·x·4"]
    );
    assert_eq!(
        rows("a,b,note\n1,2,\"one, two\nthree, four\"\n"),
        ["1 a·b·note", "2 1·2·one, two\nthree, four"]
    );
}

#[test]
fn any_quote_in_the_header_is_refused() {
    for content in [
        "a,b,\"note\n1,2,x\n3,4,y\n",
        "a,b,\"note\n1,2,x\"\n3,4,y\n",
        "\"a,b\n1,2\n",
        "a,b\"\n1,2\n",
        "a,\"b\"x\n1,2\n",
        "\"a\",b\n1,2\n",
        "a;\"b,c\"\n1;2\n",
        "\"a\"\n1\n",
        "\"\",b\n1,2\n",
    ] {
        let found = rows(content);
        assert_eq!(found.len(), 1, "{content}: {found:?}");
        assert!(found[0].starts_with("f.csv, line 1, column "), "{found:?}");
        assert!(found[0].contains("quote"), "{found:?}");
    }
    // What separates is told by the header all the same.
    assert_eq!(rows("a;b,c\n1;2,3\n")[0], "1 a;b·c");
    assert_eq!(rows("a;b\n1;2\n"), ["1 a·b", "2 1·2"]);
}

#[test]
fn a_row_of_another_width_is_told_and_the_next_is_read() {
    assert_eq!(
        rows("a,b\n1\n2,x,y\n3,z\n,,\n"),
        [
            "1 a·b",
            "f.csv, line 2, column 2: this row has 1 cells, the header has 2",
            "f.csv, line 3, column 3: this row has 3 cells, the header has 2",
            "4 3·z",
            "f.csv, line 5, column 3: this row has 3 cells, the header has 2",
        ]
    );
}

#[test]
fn a_last_line_without_an_end_is_asked_about_and_a_closed_quote_is_an_end() {
    let cut = "f.csv, line 2, column 2: the file ends here, with \"12\" and without a line end, so \
               it may have been cut";
    assert_eq!(rows("a,b\n1,12"), ["1 a·b", "2 1·12", cut]);
    for whole in [
        "a,b\n1,12\n",
        "a,b\n1,12\r\n",
        "a,b\n1,12\r",
        "a,b\n1,\"12\"",
        "a,b\n1,12\n  ",
    ] {
        assert_eq!(rows(whole), ["1 a·b", "2 1·12"], "{whole:?}");
    }
    assert_eq!(rows("a,b").len(), 2, "even the header may be cut");
    let source = Source::new("f.csv", "a,b\n1,12").accepting(&[Doubt::MayBeCut]);
    let (mut file, _) = CsvFile::open(&source).unwrap();
    while file.next_row().unwrap().is_some() {}
    assert!(file.cut().is_none());
}

#[test]
fn utf_16_is_read_as_the_same_text() {
    let utf16: Vec<u8> = "\u{feff}a,b\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(rows(utf16), ["1 a·b"; 1].map(str::to_owned));
}

#[test]
fn the_separator_is_what_the_first_line_says_or_what_the_header_has_most() {
    for (content, expected) in [
        ("sep=;\r\na;b\r\n1;2\r\n", ["2 a·b", "3 1·2"]),
        ("SEP=,\na,b;c\n1,2;3\n", ["2 a·b;c", "3 1·2;3"]),
        ("\"sep=\t\"\n\na\tb\n1\t2\n", ["3 a·b", "4 1·2"]),
        ("sep=|\na|b\n1|2\n", ["2 a·b", "3 1·2"]),
        ("a\tb\n1\t2,3\n", ["1 a·b", "2 1·2,3"]),
        ("a;b;c,d\n1;2;3,4\n", ["1 a·b·c,d", "2 1·2·3,4"]),
        ("a\n1\n", ["1 a", "2 1"]),
    ] {
        assert_eq!(rows(content), expected, "{content:?}");
    }
    assert_eq!(rows("separator,b\n1,2\n"), ["1 separator·b", "2 1·2"]);
    assert_eq!(rows("sep=;"), ["1 "]);
}
