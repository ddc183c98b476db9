//! The picture in `docs/operations.md` shows what the operations do today.

use dodge_imaging::{Operation, OperationKind, Photo, psnr_db};

#[allow(dead_code, reason = "an example has a main function, which a test does not call")]
#[path = "../../examples/contact_sheet.rs"]
mod example;

#[test]
fn the_contact_sheet_is_current_and_complete() {
    let shown: Vec<OperationKind> =
        example::OPERATIONS.concat().iter().map(|text| text.parse::<Operation>().unwrap().kind()).collect();
    for kind in OperationKind::ALL {
        assert!(shown.contains(kind), "{kind:?} is not shown");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.jpg");
    let committed = Photo::open(path.as_ref()).unwrap();
    // What is left of it in a JPEG.
    assert!(psnr_db(&committed, &example::sheet()).unwrap() > 28.0, "run `cargo xtask docs`");
}
