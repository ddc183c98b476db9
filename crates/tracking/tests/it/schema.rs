//! The tables of a new local database against a listing of those that MLflow itself makes at the
//! same schema revision (`schema_0584bdc529eb.txt`, taken from a database made with alembic).
//!
//! A server refuses to upgrade a database in which a table or the name of a constraint is missing.

use std::fmt::Write;

use rusqlite::Connection;

use crate::support::{local, rows};

#[test]
fn the_database_is_the_one_that_mlflow_makes() {
    let folder = tempfile::tempdir().unwrap();
    local(folder.path());
    let connection = Connection::open(folder.path().join("mlflow.db")).unwrap();
    let expected = include_str!("schema_0584bdc529eb.txt");
    let got = listing(&connection);
    for (number, (got, expected)) in got.lines().zip(expected.lines()).enumerate() {
        assert_eq!(got.trim_end(), expected.trim_end(), "line {}", number + 1);
    }
    assert_eq!(got.lines().count(), expected.lines().count());
}

#[test]
fn the_database_says_which_revision_it_is_and_is_read_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    local(folder.path());
    local(folder.path()); // opening it again changes nothing
    let folder = folder.path();
    assert_eq!(rows(folder, "SELECT version_num FROM alembic_version"), ["0584bdc529eb"]);
    assert_eq!(rows(folder, "PRAGMA journal_mode"), ["wal"]);
}

fn listing(connection: &Connection) -> String {
    let mut out = String::new();
    let tables = strings(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", "");
    for table in &tables {
        writeln!(out, "## {table}").unwrap();
        for line in strings(connection, COLUMNS, table) {
            writeln!(out, "  {line}").unwrap();
        }
        for line in strings(connection, FOREIGN_KEYS, table) {
            writeln!(out, "  FK {line}").unwrap();
        }
        let sql =
            strings(connection, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1", table).remove(0);
        writeln!(out, "  named constraints: {}", named_constraints(&sql)).unwrap();
        for check in checks(&sql) {
            writeln!(out, "  check: {check}").unwrap();
        }
        for line in strings(connection, INDEXES, table) {
            writeln!(out, "  index: {line}").unwrap();
        }
    }
    writeln!(out, "## unique indexes created implicitly (origin u = UNIQUE constraint)").unwrap();
    for table in &tables {
        for columns in strings(connection, UNIQUE, table) {
            writeln!(out, "   {table} ['{columns}']").unwrap();
        }
    }
    out
}

const COLUMNS: &str = "SELECT name || ' ' || type || iif(\"notnull\", ' NOT NULL', '') \
    || iif(dflt_value IS NULL, '', ' DEFAULT ' || dflt_value) || iif(pk, ' PK#' || pk, '') \
    FROM pragma_table_info(?1) ORDER BY cid";
const FOREIGN_KEYS: &str = "SELECT \"from\" || ' -> ' || \"table\" || '.' || \"to\" \
    || ' on_update=' || on_update || ' on_delete=' || on_delete \
    FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
const INDEXES: &str = "SELECT l.name || ' on ' || (SELECT group_concat(name, ',') FROM pragma_index_info(l.name)) \
    FROM pragma_index_list(?1) l WHERE l.origin = 'c' ORDER BY l.name";
const UNIQUE: &str = "SELECT (SELECT group_concat(name, ',') FROM pragma_index_info(l.name)) \
    FROM pragma_index_list(?1) l WHERE l.origin = 'u'";

fn strings(connection: &Connection, sql: &str, table: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let arguments: &[&str] = if sql.contains("?1") { &[table] } else { &[] };
    let rows = statement.query_map(rusqlite::params_from_iter(arguments), |row| row.get(0));
    rows.unwrap().map(Result::unwrap).collect()
}

fn named_constraints(sql: &str) -> String {
    let named = sql.split("CONSTRAINT ").skip(1).map(|rest| {
        let (name, rest) = rest.split_once(' ').unwrap();
        let kind = ["PRIMARY KEY", "FOREIGN KEY", "CHECK"].into_iter().find(|kind| rest.starts_with(kind));
        format!("{name} ({})", kind.unwrap())
    });
    named.collect::<Vec<_>>().join(", ")
}

fn checks(sql: &str) -> Vec<String> {
    let conditions = sql.split("CHECK (").skip(1);
    conditions.map(|rest| format!("{})", rest.split_once("))").unwrap().0)).collect()
}
