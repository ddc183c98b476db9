//! What a recipe needs beyond the two photos does not grow with their height. A process of its own, because the allocator counts
//! all of it.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]
#![allow(unsafe_code, reason = "an allocator is unsafe to implement; this one only counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use dodge_imaging::{Photo, Recipe};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Bytes at the peak beyond the photo and its result.
fn extra(recipe: &Recipe, photo: &Photo<u16>) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let result = recipe.apply(photo);
    MOST.load(Ordering::Relaxed) - before - 2 * result.pixels().len()
}

#[test]
fn strips_are_all_that_is_needed() {
    let texts = "gamma:1.2 saturation:1.3 grey-world:1 sharpen:0.5 contrast:1.1 clarity:0.5 blur:1 box-blur:3 clahe:2 jpeg:80 \
                 warmth:0.1 flip:horizontal shift:left vignette:0.3 noise:4 median:1 crop:1x100";
    let recipe = Recipe::new(texts.split_whitespace().map(|text| text.parse().unwrap()).collect());
    let photo = |height| Photo::<u16>::from_fn(64, height, |x, y| [(x * 900) as u16, (y * 3) as u16, 20_000]).unwrap();
    let (short, long) = (photo(8000), photo(32_000));
    // Each thread has strips of its own, so that both photos must be high enough to keep all of them busy.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (few, many) = threads.install(|| (extra(&recipe, &short), extra(&recipe, &long)));
    // Tables of places and of the wide blur's small photo do grow, a little. The longer photo alone has 12 MB.
    assert!(many < few + 500_000, "{few} and {many} bytes");
    // Three tables of 65,536 floats for each run of curves.
    assert!(few < 10_000_000, "{few} bytes");
}
