//! RECORD: what is read can be written and read again; a row inside the environment has no way out of it.

#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::record::{
    LineEnding, RecordLimits, RecordPlace, RecordRow, RecordRows, listed_as, write,
};

const LIMITS: RecordLimits = RecordLimits { bytes: 1 << 20, rows: 500 };

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = RecordRows::parse(bytes, LIMITS) else { return };
    let rows: Vec<_> = read.collect();
    assert!(rows.len() <= LIMITS.rows + 1, "bounded by the rows that were allowed");
    let rows: Vec<RecordRow> = rows.into_iter().filter_map(Result::ok).collect();
    let (prefix, site) = (Path::new("/home/u/p/.venv"), Path::new("lib/python3.11/site-packages"));
    for row in &rows {
        match row.resolve(prefix, site) {
            RecordPlace::Inside(path) => {
                assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
                let path_again = listed_as(&path, site).expect("a row is text");
                let again = RecordRow { path: path_again, hash: None, size: None };
                assert_eq!(again.resolve(prefix, site), RecordPlace::Inside(path));
            }
            RecordPlace::Outside(path) => assert!(path.is_absolute(), "{path:?}"),
        }
    }
    for ending in [LineEnding::Lf, LineEnding::CrLf] {
        let written = write(&rows, ending);
        let limits = RecordLimits { bytes: usize::MAX, rows: rows.len() };
        let again: Result<Vec<_>, _> = RecordRows::parse(&written, limits).expect("within bounds").collect();
        assert_eq!(again.as_ref(), Ok(&rows));
    }
});
