//! The page about operations lists them all.

use std::fmt::Write;
use std::path::Path;

use dodge_imaging::{Counterpart, Likeness, Operation, OperationKind, Program};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_table_of_operations_is_what_the_code_says() {
    let mut table = "| name | strength | neutral | cost | what it does |\n|---|---|---|---|---|\n".to_owned();
    for kind in OperationKind::ALL {
        let (low, neutral, high) = kind.range();
        let strength =
            if kind.has_strength() { format!("{low} to {high} | {neutral}") } else { "a word | ".to_owned() };
        let cost = format!("{:?}", kind.cost()).to_lowercase();
        writeln!(table, "| `{}` | {strength} | {cost} | {} |", kind.name(), kind.description()).unwrap();
    }
    assert!(page().contains(&table), "docs/operations.md needs this table:\n\n{table}");
}

/// An ordinary edit of a kind.
fn usual(kind: OperationKind) -> Operation {
    let (_, neutral, high) = kind.range();
    let word = match kind {
        OperationKind::Invert => "rgb",
        OperationKind::Channels => "grb",
        OperationKind::Greyscale => "luminosity",
        OperationKind::Flip => "vertical",
        OperationKind::Shift => "left",
        _ => "16x9",
    };
    let text = if kind.has_strength() { (neutral + 0.1 * (high - neutral)).to_string() } else { word.to_owned() };
    format!("{}:{text}", kind.name()).parse().unwrap()
}

#[test]
fn the_table_of_other_programs_is_what_the_code_says() {
    let names = Program::ALL.map(Program::name).join(" | ");
    let (mut table, mut reasons) = (format!("| name | {names} |\n|---|---|---|---|\n"), Vec::new());
    for kind in OperationKind::ALL {
        write!(table, "| `{}` |", kind.name()).unwrap();
        for program in Program::ALL {
            let Counterpart { likeness, field, why } = program.counterpart(&usual(*kind), true);
            let number = reasons.iter().position(|reason| *reason == (program, why)).unwrap_or_else(|| {
                reasons.push((program, why));
                reasons.len() - 1
            });
            let field = if likeness == Likeness::Absent { String::new() } else { format!(" `{field}`") };
            write!(table, " {}{field} ({}) |", format!("{likeness:?}").to_lowercase(), number + 1).unwrap();
        }
        table.push('\n');
    }
    table.push('\n');
    for (number, (program, why)) in reasons.iter().enumerate() {
        writeln!(table, "{}. {}: {why}.", number + 1, program.name()).unwrap();
    }
    assert!(page().contains(&table), "docs/operations.md needs this table:\n\n{table}");
}

#[test]
fn every_old_label_on_the_page_is_read_as_the_page_says() {
    let page = page();
    let rows: Vec<&str> = page.split("| label | operation |\n|---|---|\n").nth(1).unwrap().lines().collect();
    let rows: Vec<Vec<&str>> =
        rows.iter().take_while(|row| row.starts_with('|')).map(|row| row.split('`').collect()).collect();
    assert_eq!(rows.len(), 85);
    for row in rows {
        assert_eq!(row[1].parse::<Operation>().unwrap().to_string(), row[3]);
    }
}
