//! Writes pictures of dead leaves, which training takes beside photos, into a folder to look at:
//! `cargo run --release -p dodge-data --example dead_leaves -- FOLDER 100`

use std::error::Error;
use std::path::PathBuf;

use dodge_data::synthetic;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("give a folder and how many pictures".into());
    };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for index in 0..count.parse()? {
        let (width, height) = synthetic::frame(1, index, 144);
        synthetic::dead_leaves(1, index, width, height).save(&folder.join(format!("leaves-{index:05}.png")))?;
    }
    Ok(())
}
