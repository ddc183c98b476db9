//! How pixels differ from those near them: sharpness, the colour of edges, noise, and the blocks of JPEG.

/// Edge of the square blocks in which noise is looked for, in pixels.
const NOISE_BLOCK: usize = 16;

/// Edge of the blocks of JPEG, in pixels.
const JPEG_BLOCK: usize = 8;

/// Of photos with so many rows every second one is enough for a mean.
const MANY_ROWS: usize = 128;

/// Steps between neighbours count as this many levels at most when blocks are looked for: their borders are small steps, and many.
const SMALL_STEP: i16 = 4;

/// Statistics of differences.
pub(super) struct Detail {
    pub(super) colour_contrast: f64,
    pub(super) blue_red_edges: f64,
    pub(super) green_edges: f64,
    pub(super) fine_detail: f64,
    pub(super) noise: f64,
    pub(super) blockiness: f64,
}

impl Detail {
    /// Of red, green and blue, and luma.
    pub(super) fn of(channels: &[Vec<i16>; 3], luma: &[i16], width: usize, height: usize) -> Self {
        let difference = |plane: &[i16], apart: usize| mean_difference(plane, width, height, apart);
        let [red, green, blue] = channels;
        let red_green: Vec<i16> = red.iter().zip(green).map(|(r, g)| r - g).collect();
        let yellow_blue: Vec<i16> = red.iter().zip(green).zip(blue).map(|((r, g), b)| (r + g) / 2 - b).collect();
        let coarse = difference(luma, 3);
        // A tenth of a level keeps ratios finite in a flat photo, and at 1.
        let [red, green, blue] = channels.each_ref().map(|channel| difference(channel, 3) + 0.1);
        Self {
            colour_contrast: (difference(&red_green, 8) + difference(&yellow_blue, 8) + 0.1)
                / (difference(luma, 8) + 0.1),
            blue_red_edges: blue / red,
            green_edges: green / (red * blue).sqrt(),
            // A flat photo has no detail of any kind; one half is what is usual.
            fine_detail: if coarse < 0.05 { 0.5 } else { (difference(luma, 1) / coarse).min(2.0) },
            noise: noise(luma, width, height),
            blockiness: blockiness(luma, width, height),
        }
    }
}

/// Mean absolute difference between pixels so many columns or rows apart, in every second row of photos that have many; 0 where there are none.
fn mean_difference(plane: &[i16], width: usize, height: usize, apart: usize) -> f64 {
    let step = if height < MANY_ROWS { 1 } else { 2 };
    let total = |one: &[i16], other: &[i16]| {
        u64::from(one.iter().zip(other).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>())
    };
    let (mut sum, mut pairs) = (0_u64, 0_u64);
    for row in plane.chunks_exact(width).step_by(step) {
        let later = row.get(apart..).unwrap_or(&[]);
        sum += total(row, later);
        pairs += later.len() as u64;
    }
    if height > apart {
        for (row, below) in plane.chunks_exact(width).zip(plane[apart * width..].chunks_exact(width)).step_by(step) {
            sum += total(row, below);
            pairs += width as u64;
        }
    }
    if pairs == 0 { 0.0 } else { sum as f64 / pairs as f64 }
}

/// By how much small steps are larger at every eighth pixel than between.
fn blockiness(luma: &[i16], width: usize, height: usize) -> f64 {
    let step = |(&one, &other): (&i16, &i16)| i32::from((one - other).abs().min(SMALL_STEP));
    let mut columns = vec![0_i32; width.saturating_sub(1)];
    for row in luma.chunks_exact(width) {
        for (sum, pair) in columns.iter_mut().zip(row.iter().zip(&row[1..])) {
            *sum += step(pair);
        }
    }
    let rows = luma.chunks_exact(width).zip(luma[width..].chunks_exact(width));
    let rows: Vec<i32> = rows.map(|(row, below)| row.iter().zip(below).map(step).sum()).collect();
    0.5 * (grid_excess(&columns, height) + grid_excess(&rows, width))
}

/// By how much the sums of steps at one of eight phases stand out from their neighbours, more than those at the others, as a share of the mean
/// step; `count` steps make a sum. Of each phase the median counts: the windows of a house are at every third place of a grid, blocks at all.
fn grid_excess(sums: &[i32], count: usize) -> f64 {
    // In fewer than four blocks anything stands out.
    if sums.len() < 4 * JPEG_BLOCK {
        return 0.0;
    }
    let mut phases = vec![Vec::new(); JPEG_BLOCK];
    for (place, around) in sums.windows(3).enumerate() {
        phases[place % JPEG_BLOCK].push(2 * around[1] - around[0] - around[2]);
    }
    let median = |excesses: &mut Vec<i32>| {
        let middle = excesses.len() / 2;
        0.5 * f64::from(*excesses.select_nth_unstable(middle).1) / count as f64
    };
    let medians: Vec<f64> = phases.iter_mut().map(median).collect();
    let most = medians.iter().copied().fold(f64::MIN, f64::max);
    let others = (medians.iter().sum::<f64>() - most) / (JPEG_BLOCK - 1) as f64;
    let mean_step = sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() / (sums.len() * count) as f64;
    // 0.3 levels more, so that a flat photo with a speck has no blocks.
    (most - others) / (mean_step + 0.3)
}

/// Noise of luma in levels.
fn noise(luma: &[i16], width: usize, height: usize) -> f64 {
    if width < NOISE_BLOCK + 2 || height < NOISE_BLOCK + 2 {
        return 0.0;
    }
    let mut blocks = Vec::with_capacity((width / NOISE_BLOCK) * (height / NOISE_BLOCK));
    for top in (1..height - NOISE_BLOCK).step_by(NOISE_BLOCK) {
        for left in (1..width - NOISE_BLOCK).step_by(NOISE_BLOCK) {
            let (mut response, mut sum) = (0_u32, 0_u32);
            for y in top..top + NOISE_BLOCK {
                let start = y * width + left - 1;
                let (above, here, below) = (
                    &luma[start - width..start - width + NOISE_BLOCK + 2],
                    &luma[start..start + NOISE_BLOCK + 2],
                    &luma[start + width..start + width + NOISE_BLOCK + 2],
                );
                for x in 1..=NOISE_BLOCK {
                    let corners = above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1];
                    let sides = above[x] + below[x] + here[x - 1] + here[x + 1];
                    response += u32::from((corners - 2 * sides + 4 * here[x]).unsigned_abs());
                    sum += here[x] as u32;
                }
            }
            let pixels = (NOISE_BLOCK * NOISE_BLOCK) as f64;
            // Clipped areas hide their noise and say nothing.
            if (8.0..247.0).contains(&(f64::from(sum) / pixels)) {
                blocks.push((std::f64::consts::FRAC_PI_2.sqrt() / 6.0) * f64::from(response) / pixels);
            }
        }
    }
    if blocks.is_empty() {
        return 0.0;
    }
    let tenth = blocks.len() / 10;
    *blocks.select_nth_unstable_by(tenth, f64::total_cmp).1
}
