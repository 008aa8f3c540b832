use psa_host_ledger::{AccountMapping, ContractPin};

use super::*;

type Written = [String; COLUMNS.len()];

fn row(cells: [&str; COLUMNS.len()]) -> Written {
    cells.map(str::to_owned)
}

fn read_named(name: &str, bytes: impl Into<Vec<u8>>) -> Result<Read<'static>> {
    let source = Source::new(name, bytes);
    read(&source, Form::of(&source), &Mappings::default())
}

fn csv_rows(text: &str) -> Read<'static> {
    read_named("m.csv", text).unwrap()
}

fn problems(read: &Read<'_>) -> Vec<String> {
    let shown = |problem: &Problem| format!("{} [{}]", problem.message, problem.code);
    read.refused.iter().map(shown).collect()
}

/// Ids that a spreadsheet would like to change.
const ODD: [&str; 11] = [
    "00042",
    "12000000000",
    "1E5",
    "29683561.0",
    "=1+1",
    "-5",
    "@x",
    "'quoted",
    "3-4",
    "a;=1+1",
    "b;'=x|-y",
];

fn odd_rows() -> Vec<Written> {
    let mut rows: Vec<Written> = ODD
        .iter()
        .map(|id| {
            row([
                "account",
                &format!("w{id}"),
                id,
                "",
                "=HYPERLINK(\"x\")",
                "+A, \"B\"\nC",
            ])
        })
        .collect();
    rows.push(row(["service", "edr", "15", "devices", "EDR", ""]));
    rows.push(row(["contract", "w1", "30012", "", "", ""]));
    rows
}

#[test]
fn what_is_written_is_read_back_to_the_letter_in_both_forms() {
    let rows = odd_rows();
    for (name, bytes) in [
        ("m.csv", csv::write(&rows)),
        ("m.xlsx", xlsx::write(&rows).unwrap()),
    ] {
        let read = read_named(name, bytes).unwrap();
        assert_eq!(problems(&read), [] as [&str; 0], "{name}");
        assert_eq!(read.notes, [], "{name}");
        let read: Vec<Mapping> = read.rows.into_iter().map(|row| row.mapping).collect();
        let mut expected: Vec<Mapping> = ODD
            .iter()
            .map(|id| {
                Mapping::Account(AccountMapping {
                    workspace: format!("w{id}").parse().unwrap(),
                    account: id.parse().unwrap(),
                })
            })
            .collect();
        expected.push(Mapping::Service(ServiceMapping {
            module: "edr".parse().unwrap(),
            service: "15".parse().unwrap(),
            metric: Metric::Devices,
        }));
        expected.push(Mapping::Contract(ContractPin {
            workspace: "w1".parse().unwrap(),
            contract: "30012".parse().unwrap(),
        }));
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn no_cell_opens_a_formula_and_each_row_is_one_line() {
    let rows = odd_rows();
    let text = String::from_utf8(csv::write(&rows)).unwrap();
    assert_eq!(text.lines().count(), rows.len() + 1, "{text}");
    assert!(text.contains("'=1+1"));
    // By whatever separators it is opened, quotes or not.
    for separators in [&[','][..], &[';'], &[',', ';', '\t', '|']] {
        for cell in text.lines().flat_map(|line| line.split(separators)) {
            let cell = cell.trim_start_matches('"');
            assert!(
                !cell.starts_with(['=', '+', '-', '@']),
                "{cell:?} of {text}"
            );
        }
    }
}

#[test]
fn columns_stand_in_any_order_with_commas_or_semicolons() {
    for text in [
        "kind,coro_id,psa_id,metric\naccount,w1,1,\n",
        "PSA_ID;Kind;Coro_ID\r\n1;account;w1\r\n",
        "\u{feff}note,psa_id,coro_id,kind\nx,\t1 ,w1,Account\n\n,,,\n",
    ] {
        let read = csv_rows(text);
        assert_eq!(problems(&read), [] as [&str; 0], "{text}");
        assert_eq!(read.rows.len(), 1, "{text}");
        let Mapping::Account(pair) = &read.rows[0].mapping else {
            panic!("{text}")
        };
        assert_eq!(
            (pair.workspace.as_str(), pair.account.as_str()),
            ("w1", "1")
        );
        let unknown = usize::from(text.contains("note"));
        assert_eq!(read.notes.len(), unknown, "{text}");
    }
}

#[test]
fn each_bad_row_is_named_by_line_and_column_and_the_good_ones_stay() {
    let read = csv_rows(
        "kind,coro_id,psa_id,metric,coro_name,psa_name\n\
         account,w1,1,,One,Acme\n\
         customer,w2,2,,,\n\
         account,,2,,,\n\
         service,edr,15,seats,,\n\
         account,w3,3,users,,\n\
         contract,w4,,,,\n\
         contract,w5\n",
    );
    assert_eq!(read.rows.len(), 1);
    assert_eq!(
        problems(&read),
        [
            "m.csv, line 3, column 1 (kind): \"customer\" is no kind of mapping [unknown-kind]",
            "m.csv, line 4, column 2 (coro_id): this is no id: an id cannot be empty [bad-id]",
            "m.csv, line 5, column 4 (metric): \"seats\" is no metric [unknown-metric]",
            "m.csv, line 6, column 4 (metric): \"users\" stands here, and only a service has a \
             metric [metric-not-here]",
            "m.csv, line 7, column 3 (psa_id): this is no id: an id cannot be empty [bad-id]",
            "m.csv, line 8, column 3: this row has 2 cells, the header has 6 [csv-fields]",
        ]
    );
}

#[test]
fn a_file_without_its_columns_is_refused_whole() {
    for (text, expected) in [
        ("", "m.csv, line 1: the header has no kind, coro_id, psa_id"),
        (
            "\n\nkind,coro_id\n",
            "m.csv, line 3: the header has no psa_id",
        ),
        (
            "kind,coro_id,psa_id,Kind\n",
            "m.csv, line 1, column 4: Kind is there twice",
        ),
    ] {
        let error = read_named("m.csv", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = read_named("m.xlsx", "no workbook").unwrap_err();
    assert_eq!(error.code(), "wrong-content");
    let error = read_named("m.xlsx", "PK\u{3}\u{4} xl/workbook.xml").unwrap_err();
    assert_eq!(error.code(), "xlsx-unreadable");
}

/// A workbook as a person makes it, with values of all types.
fn typed() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, title) in (0_u16..).zip(["kind", "coro_id", "psa_id"]) {
        sheet.write_string(2, column, title).unwrap();
    }
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    for row in 3..9 {
        sheet.write_string(row, 0, "account").unwrap();
        sheet.write_string(row, 1, format!("w{row}")).unwrap();
    }
    sheet.write_number(3, 2, 29_683_561.0).unwrap();
    sheet.write_number(4, 2, 12_000_000_000.0).unwrap();
    sheet.write_number(5, 2, 12.5).unwrap();
    sheet.write_number(6, 2, 1e20).unwrap();
    sheet.write_boolean(7, 2, true).unwrap();
    sheet
        .write_number_with_format(8, 2, 45_000.0, &date)
        .unwrap();
    // Far away, and nobody's column.
    sheet.write_string(1_000_000, 16_000, "x").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn an_id_typed_as_a_number_is_its_digits_where_they_are_certain() {
    let read = read_named("m.xlsx", typed()).unwrap();
    let ids: Vec<&str> = read
        .rows
        .iter()
        .map(|row| match &row.mapping {
            Mapping::Account(pair) => pair.account.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, ["29683561", "12000000000"]);
    assert_eq!(
        problems(&read),
        [
            "m.xlsx, row 6, column C (psa_id): 12.5 is no whole number, so it is no id \
             [not-an-id]",
            "m.xlsx, row 7, column C (psa_id): a number with more than 15 digits has lost the \
             rest [not-an-id]",
            "m.xlsx, row 8, column C (psa_id): this is true or false, not an id [not-an-id]",
            "m.xlsx, row 9, column C (psa_id): this is a date, not an id [not-an-id]",
        ]
    );
}

#[test]
fn a_stray_quote_refuses_the_sheet_and_takes_no_row_of_it() {
    let rows: String = (3..=9)
        .map(|at| format!("account,w{at},{at},,Acme\n"))
        .collect();
    let head = "kind,coro_id,psa_id,metric,psa_name\naccount,w2,2,,\"Rack\n";
    for (end, column) in [("", 5), ("account,w10,10,,Rack\"\n", 5)] {
        let error = read_named("m.csv", format!("{head}{rows}{end}")).unwrap_err();
        assert_eq!(error.code(), "csv-quote");
        let place = format!("m.csv, line 2, column {column}: ");
        assert!(error.to_string().starts_with(&place), "{error}");
    }
}

#[test]
fn a_row_that_may_be_cut_and_ids_that_may_be_rounded_are_asked_about() {
    let text = "kind,coro_id,psa_id\naccount,w1,1.01E+05\naccount,w2,9007199254740990\n\
                account,w3,3\naccount,w4,12";
    let of = |source: &Source| {
        let read = read(source, Form::Csv, &Mappings::default()).unwrap();
        let codes: Vec<String> = read.refused.iter().map(|p| p.code.clone()).collect();
        (read.rows.len(), codes.join(" "))
    };
    let source = Source::new("m.csv", text);
    let asked = (1, "may-be-rounded may-be-rounded may-be-cut".to_owned());
    assert_eq!(of(&source), asked);
    let source = source.accepting(&[Doubt::MayBeRounded]);
    assert_eq!(of(&source), (3, "may-be-cut".to_owned()));
    let source = source.accepting(&Doubt::ALL);
    assert_eq!(of(&source), (4, String::new()));
}

#[test]
fn the_form_is_told_by_name_or_else_by_content() {
    for (name, bytes, form) in [
        ("m.json", &b"kind,coro_id"[..], Form::Json),
        ("M.CSV", b"{}", Form::Csv),
        ("m.Xlsx", b"", Form::Xlsx),
        ("standard input", b"  {\"accounts\": []}", Form::Json),
        ("standard input", b"\xef\xbb\xbfkind,coro_id", Form::Csv),
        ("standard input", b"PK\x03\x04 xl/workbook.xml", Form::Xlsx),
    ] {
        assert_eq!(Form::of(&Source::new(name, bytes)), form, "{name}");
    }
}
