//! Whether the coded values of a JPEG can be what an encoder wrote.
//!
//! They have no sum to check them by, and decoders go on after a fault with whatever comes of it. But a fault seldom hides: codes that
//! do not exist, blocks of more than 64 values, a brightness that no picture has, values that end before the picture does or go on
//! behind it. So the codes are walked through once more, lengths alone and without a picture. What changes a value and no length cannot be told by anybody.

/// Bits of a code that are looked up at once; longer ones are rare.
const FAST: usize = 10;

/// Bytes behind the values, so that eight can be read at any place.
const BEHIND: usize = 16;

/// Largest mean of a block, in its unit: eight times the distance from middle grey, and half as much again for rounding.
const MOST_MEAN: i32 = 1536;

/// What is wrong with the values, and where it shows: at which byte of the file about.
pub(super) fn fault(bytes: &[u8]) -> Option<String> {
    let mut walk = Walk::default();
    match walk.through(bytes) {
        Ok(()) => None,
        Err((what, at)) => Some(format!("{what}, {} % into the file", 100 * at.min(bytes.len()) / bytes.len().max(1))),
    }
}

/// What is wrong, and at which byte.
type Fault = (&'static str, usize);

/// Bits that are looked at once without looking for more, and the most of them that a code and its value have.
const PEEKED: u32 = 57;
const LONGEST: u32 = 16 + 15;

/// What the place in a block grows by where no values are left: beyond any place that too many values lead to.
const END: u8 = 128;

/// A table of Huffman codes.
#[derive(Clone)]
struct Codes {
    /// By the next bits: length and symbol, or a length of 0 where it is longer.
    fast: Vec<(u8, u8)>,
    /// The same as bits of the code and its value together, and by how much the place in the block grows.
    steps: Vec<(u8, u8)>,
    /// For each length, the first code behind those of it, its bits on the left of 16; and where its symbols begin, less its first code.
    ends: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Codes {
    fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let (mut fast, mut ends) = (vec![(0, 0); 1 << FAST], [(0, 0); 17]);
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, end) in ends.iter_mut().enumerate().skip(1) {
            let count = usize::from(*counts.get(length - 1)?);
            end.1 = index as i32 - code as i32;
            if length <= FAST {
                for symbol in symbols.get(index..index + count)? {
                    let from = (code as usize) << (FAST - length);
                    fast.get_mut(from..from + (1 << (FAST - length)))?.fill((length as u8, *symbol));
                    code += 1;
                }
            } else {
                symbols.get(index..index + count)?;
                code += count as u32;
            }
            index += count;
            end.0 = code << (16 - length);
            code <<= 1;
        }
        let step = |(length, symbol): &(u8, u8)| if *length == 0 { (0, 0) } else { step(*length, *symbol) };
        let steps = fast.iter().map(step).collect();
        Some(Self { fast, steps, ends, symbols: symbols.to_vec() })
    }

    /// Length and symbol of the code that the highest bits are.
    #[inline(always)]
    fn next(&self, bits: u64) -> Option<(u32, u8)> {
        let (length, symbol) = self.fast[(bits >> (64 - FAST)) as usize];
        if length > 0 { Some((length.into(), symbol)) } else { self.slow(bits) }
    }

    /// Bits of the code that the highest bits are, and of the value behind it, and by how much the place in the block grows.
    #[inline(always)]
    fn step(&self, bits: u64) -> Option<(u8, u8)> {
        let (count, places) = self.steps[(bits >> (64 - FAST)) as usize];
        if count > 0 {
            Some((count, places))
        } else {
            self.slow(bits).map(|(length, symbol)| step(length as u8, symbol))
        }
    }

    #[cold]
    fn slow(&self, bits: u64) -> Option<(u32, u8)> {
        let code = (bits >> 48) as u32;
        let length = (FAST + 1..=16).find(|length| code < self.ends[*length].0)?;
        let index = (code >> (16 - length)) as i32 + self.ends[length].1;
        let symbol = self.symbols.get(usize::try_from(index).ok()?)?;
        Some((length as u32, *symbol))
    }
}

fn step(length: u8, symbol: u8) -> (u8, u8) {
    let (run, size) = (symbol >> 4, symbol & 15);
    (length + size, if size == 0 && run < 15 { END } else { run + 1 })
}

/// The values up to the next marker, without the zeros that were stuffed in.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    end: usize,
    /// In bits.
    at: usize,
}

impl Bits {
    /// Takes the values from `from` on and returns where the marker behind them stands.
    fn fill(&mut self, file: &[u8], from: usize) -> usize {
        self.bytes.clear();
        let mut at = from;
        loop {
            let Some(next) = file[at..].iter().position(|byte| *byte == 0xff) else {
                self.bytes.extend_from_slice(&file[at..]);
                at = file.len();
                break;
            };
            self.bytes.extend_from_slice(&file[at..at + next]);
            at += next;
            if file.get(at + 1) != Some(&0) {
                break;
            }
            self.bytes.push(0xff);
            at += 2;
        }
        self.end = self.bytes.len();
        self.bytes.resize(self.end + BEHIND, 0);
        self.at = 0;
        at
    }

    /// The next bits on the left, at least 57 of them.
    #[inline(always)]
    fn peek(&self) -> Option<u64> {
        let from = self.at >> 3;
        let eight = self.bytes.get(from..from + 8)?;
        Some(u64::from_be_bytes(eight.try_into().ok()?) << (self.at & 7))
    }

    /// Some bits as a number.
    fn take(&mut self, count: u32) -> Option<u32> {
        if count == 0 {
            return Some(0);
        }
        let bits = self.peek()?;
        self.at += count as usize;
        Some((bits >> (64 - count)) as u32)
    }

    #[inline(always)]
    fn ran_out(&self) -> bool {
        self.at > 8 * self.end
    }

    /// Whether nothing is left but what fills the last byte, and zeros that some programs write behind it.
    fn is_used_up(&self) -> bool {
        self.bytes[self.at.div_ceil(8).min(self.end)..self.end].iter().all(|byte| *byte == 0)
    }
}

#[derive(Clone, Default)]
struct Channel {
    id: u8,
    across: usize,
    down: usize,
    /// Quantisation of the mean.
    step: i32,
    table: u8,
    /// Blocks with values, and blocks that are stored.
    size: (usize, usize),
    stride: usize,
    /// Which values of each block are not zero, for progressive pictures.
    known: Vec<u64>,
}

#[derive(Default)]
struct Walk {
    progressive: bool,
    size: (usize, usize),
    channels: Vec<Channel>,
    means: [Option<Codes>; 4],
    others: [Option<Codes>; 4],
    steps: [i32; 4],
    interval: usize,
    bits: Bits,
}

/// What a scan holds.
struct Scan {
    /// Channel, codes of its means and of its other values.
    members: Vec<(usize, usize, usize)>,
    from: usize,
    to: usize,
    first: bool,
    shift: u32,
}

impl Walk {
    fn through(&mut self, file: &[u8]) -> Result<(), Fault> {
        let mut at = 2;
        loop {
            // Any number of 0xff may stand before a marker.
            while file.get(at) == Some(&0xff) && file.get(at + 1) == Some(&0xff) {
                at += 1;
            }
            let Some([0xff, marker]) = file.get(at..at + 2) else {
                // Between segments, that of which no decoder minds: the next marker is looked for.
                match file.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) {
                    Some(next) if next > 0 => at += next,
                    _ => return Ok(()),
                }
                continue;
            };
            let marker = *marker;
            at += 2;
            if marker == 0xd9 {
                return Ok(());
            }
            if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
                continue;
            }
            let length =
                file.get(at..at + 2).map_or(0, |length| usize::from(u16::from_be_bytes([length[0], length[1]])));
            let Some(content) = file.get(at + 2..at + length.max(2)) else { return Ok(()) };
            let cannot = ("its tables are damaged", at);
            match marker {
                0xc4 => self.codes(content).ok_or(cannot)?,
                0xdb => self.quantisation(content).ok_or(cannot)?,
                0xdd => self.interval = content.get(..2).map_or(0, |n| usize::from(u16::from_be_bytes([n[0], n[1]]))),
                0xc0..=0xc2 => self.frame(marker, content).ok_or(cannot)?,
                0xda => {
                    let scan = self.scan(content).ok_or(("a scan of it names what is not there", at))?;
                    at = self.values(file, at + length, &scan)?;
                    continue;
                }
                _ => {}
            }
            at += length;
        }
    }

    fn codes(&mut self, mut content: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = content {
            let counts = rest.get(..16)?;
            let count: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let symbols = rest.get(16..16 + count)?;
            let codes = Codes::new(counts, symbols)?;
            let place = usize::from(kind & 15);
            *(if kind >> 4 == 0 { self.means.get_mut(place)? } else { self.others.get_mut(place)? }) = Some(codes);
            content = &rest[16 + count..];
        }
        Some(())
    }

    fn quantisation(&mut self, mut content: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = content {
            let wide = kind >> 4 != 0;
            let step = if wide {
                i32::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]))
            } else {
                (*rest.first()?).into()
            };
            *self.steps.get_mut(usize::from(kind & 15))? = step;
            content = rest.get(if wide { 128 } else { 64 }..)?;
        }
        Some(())
    }

    fn frame(&mut self, marker: u8, content: &[u8]) -> Option<()> {
        let [_, y1, y0, x1, x0, count, rest @ ..] = content else { return None };
        self.progressive = marker == 0xc2;
        let (width, height) =
            (usize::from(u16::from_be_bytes([*x1, *x0])), usize::from(u16::from_be_bytes([*y1, *y0])));
        let parts = rest.get(..3 * usize::from(*count))?.as_chunks::<3>().0;
        let sides = |part: &[u8; 3]| (usize::from(part[1] >> 4), usize::from(part[1] & 15));
        let across = parts.iter().map(|part| sides(part).0).max()?;
        let down = parts.iter().map(|part| sides(part).1).max()?;
        if parts.iter().map(sides).any(|(across, down)| !(1..=4).contains(&across) || !(1..=4).contains(&down)) {
            return None;
        }
        self.size = (width.div_ceil(8 * across), height.div_ceil(8 * down));
        self.channels = parts
            .iter()
            .map(|part| {
                let (h, v) = sides(part);
                let stride = self.size.0 * h;
                let known = if self.progressive { vec![0; stride * self.size.1 * v] } else { Vec::new() };
                let size = ((width * h).div_ceil(across).div_ceil(8), (height * v).div_ceil(down).div_ceil(8));
                Channel { id: part[0], across: h, down: v, step: 0, table: part[2], size, stride, known }
            })
            .collect();
        Some(())
    }

    fn scan(&mut self, content: &[u8]) -> Option<Scan> {
        let count = usize::from(*content.first()?);
        let parts = content.get(1..1 + 2 * count)?.as_chunks::<2>().0;
        let [from, to, approximation, ..] = *content.get(1 + 2 * count..)? else { return None };
        let mut members = Vec::new();
        for [id, tables] in parts {
            let index = self.channels.iter().position(|channel| channel.id == *id)?;
            self.channels[index].step = *self.steps.get(usize::from(self.channels[index].table))?;
            members.push((index, usize::from(tables >> 4), usize::from(tables & 15)));
        }
        let (from, to) = if self.progressive { (usize::from(from), usize::from(to)) } else { (0, 63) };
        let possible = from <= to && to < 64 && (from > 0 || !self.progressive || to == 0) && !members.is_empty();
        (possible && (from == 0 || members.len() == 1)).then_some(Scan {
            members,
            from,
            to,
            first: approximation >> 4 == 0,
            shift: (approximation & 15).into(),
        })
    }

    /// Walks through the values of a scan and returns where the marker behind them stands.
    fn values(&mut self, file: &[u8], from: usize, scan: &Scan) -> Result<usize, Fault> {
        let alone = scan.members.len() == 1;
        let (across, down) = if alone { self.channels[scan.members[0].0].size } else { self.size };
        let all = across * down;
        let mut done = 0;
        let mut at = from.min(file.len());
        let mut bits = std::mem::take(&mut self.bits);
        while done < all {
            let end = bits.fill(file, at);
            let many = if self.interval == 0 { all - done } else { self.interval.min(all - done) };
            let mut state = State::default();
            for unit in done..done + many {
                let (x, y) = (unit % across, unit / across);
                let result = if alone {
                    let (index, ..) = scan.members[0];
                    let place = y * self.channels[index].stride + x;
                    self.block(&mut bits, scan, 0, place, &mut state)
                } else {
                    self.unit(&mut bits, scan, (x, y), &mut state)
                };
                result.map_err(|what| (what, at + bits.at / 8))?;
                if bits.ran_out() {
                    return Err(("its values end before the picture does", end));
                }
            }
            if state.zeros > 0 || !bits.is_used_up() {
                return Err(("its values go on behind the picture, so that some of them are wrong", end));
            }
            done += many;
            at = end;
            if done < all {
                while file.get(at) == Some(&0xff) && file.get(at + 1) == Some(&0xff) {
                    at += 1;
                }
                match file.get(at..at + 2) {
                    Some([0xff, 0xd0..=0xd7]) => at += 2,
                    _ => return Err(("its values end before the picture does", at)),
                }
            }
        }
        self.bits = bits;
        Ok(at)
    }

    /// The blocks of all channels that lie on one another.
    fn unit(
        &mut self,
        bits: &mut Bits,
        scan: &Scan,
        (x, y): (usize, usize),
        state: &mut State,
    ) -> Result<(), &'static str> {
        for member in 0..scan.members.len() {
            let Channel { across, down, stride, .. } = self.channels[scan.members[member].0];
            for (v, h) in (0..down).flat_map(|v| (0..across).map(move |h| (v, h))) {
                self.block(bits, scan, member, (y * down + v) * stride + x * across + h, state)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn block(
        &mut self,
        bits: &mut Bits,
        scan: &Scan,
        member: usize,
        place: usize,
        state: &mut State,
    ) -> Result<(), &'static str> {
        let (index, means, others) = scan.members[member];
        if scan.from == 0 {
            let channel = &self.channels[index];
            if !scan.first {
                bits.at += 1;
                return Ok(());
            }
            let codes = self.means[means.min(3)].as_ref().ok_or(NO_TABLE)?;
            state.means[index.min(3)] += mean(bits, codes)? << scan.shift;
            if (state.means[index.min(3)].saturating_mul(channel.step)).abs() > MOST_MEAN.max(2 * channel.step) {
                return Err("some of its values are brighter or darker than any picture");
            }
            if self.progressive {
                return Ok(());
            }
        }
        let codes = self.others[others.min(3)].as_ref().ok_or(NO_TABLE)?;
        if !self.progressive {
            return rest_of_block(bits, codes);
        }
        let known = self.channels[index].known.get_mut(place).ok_or(NO_TABLE)?;
        if scan.first {
            first_of_band(bits, codes, scan, known, state)
        } else {
            more_of_band(bits, codes, scan, known, state)
        }
    }
}

const NO_TABLE: &str = "a table that its values need is missing";
const NO_CODE: &str = "some of its values are none";
const TOO_MANY: &str = "some blocks of it have more than 64 values";

/// Between restarts.
#[derive(Default)]
struct State {
    means: [i32; 4],
    /// Blocks to come whose band has no values more.
    zeros: u32,
}

/// How far the mean of a block lies from that of the one before.
#[inline(always)]
fn mean(bits: &mut Bits, codes: &Codes) -> Result<i32, &'static str> {
    let next = bits.peek().ok_or(NO_CODE)?;
    let (length, size) = codes.next(next).ok_or(NO_CODE)?;
    if size > 11 {
        return Err(NO_CODE);
    }
    bits.at += (length + u32::from(size)) as usize;
    if size == 0 {
        return Ok(0);
    }
    let value = (next << length >> (64 - u32::from(size))) as i32;
    Ok(if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value })
}

/// All values but the mean.
#[inline(always)]
fn rest_of_block(bits: &mut Bits, codes: &Codes) -> Result<(), &'static str> {
    let mut place = 1_u8;
    loop {
        let mut next = bits.peek().ok_or(NO_CODE)?;
        let mut left = PEEKED;
        // As many as there surely are among these bits: to look for more takes as long as a code.
        while left >= LONGEST {
            let (count, places) = codes.step(next).ok_or(NO_CODE)?;
            next <<= count;
            left -= u32::from(count);
            bits.at += usize::from(count);
            place += places;
            match place {
                0..64 => {}
                64 | END.. => return Ok(()),
                _ => return Err(TOO_MANY),
            }
        }
    }
}

/// Values of a band for the first time.
fn first_of_band(
    bits: &mut Bits,
    codes: &Codes,
    scan: &Scan,
    known: &mut u64,
    state: &mut State,
) -> Result<(), &'static str> {
    if state.zeros > 0 {
        state.zeros -= 1;
        return Ok(());
    }
    let mut place = scan.from;
    while place <= scan.to {
        let (length, symbol) = codes.next(bits.peek().ok_or(NO_CODE)?).ok_or(NO_CODE)?;
        let (run, size) = (symbol >> 4, u32::from(symbol & 15));
        bits.at += length as usize;
        if size == 0 && run < 15 {
            state.zeros = (1 << run) - 1 + bits.take(run.into()).ok_or(NO_CODE)?;
            return Ok(());
        }
        place += usize::from(run);
        if size > 0 {
            bits.at += size as usize;
            if place > scan.to {
                return Err(TOO_MANY);
            }
            *known |= 1 << place;
        }
        place += 1;
    }
    if place > scan.to + 1 { Err(TOO_MANY) } else { Ok(()) }
}

/// A bit more of each value of a band, and values that were zero so far.
fn more_of_band(
    bits: &mut Bits,
    codes: &Codes,
    scan: &Scan,
    known: &mut u64,
    state: &mut State,
) -> Result<(), &'static str> {
    let mut place = scan.from;
    if state.zeros == 0 {
        while place <= scan.to {
            let (length, symbol) = codes.next(bits.peek().ok_or(NO_CODE)?).ok_or(NO_CODE)?;
            bits.at += length as usize;
            let (mut run, size) = (symbol >> 4, symbol & 15);
            match size {
                0 if run < 15 => {
                    state.zeros = (1 << run) + bits.take(run.into()).ok_or(NO_CODE)?;
                    break;
                }
                0 => {}
                1 => bits.at += 1,
                _ => return Err(NO_CODE),
            }
            while place <= scan.to {
                if *known >> place & 1 == 1 {
                    bits.at += 1;
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                place += 1;
            }
            if size == 1 {
                if place > scan.to {
                    return Err(TOO_MANY);
                }
                *known |= 1 << place;
            }
            place += 1;
        }
    }
    if state.zeros > 0 {
        let band = (u64::MAX >> (63 - scan.to)) & u64::MAX.checked_shl(place as u32).unwrap_or(0);
        bits.at += (*known & band).count_ones() as usize;
        state.zeros -= 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Photo};

    fn photo() -> Photo {
        Photo::from_fn(403, 301, |x, y| [(x * 7 + y) as u8, ((x * y) >> 5) as u8, (y * 3) as u8]).unwrap()
    }

    #[test]
    fn what_encoders_write_has_no_fault() {
        for quality in [5, 50, 92, 100] {
            assert_eq!(fault(&photo().encode(Encoding::Jpeg { quality }).unwrap()), None, "{quality}");
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/files");
        for name in ["grey.jpg", "fine.jpg", "progressive.jpg", "cmyk.jpg", "ycck.jpg", "camera.jpg"] {
            assert_eq!(fault(&std::fs::read(format!("{folder}/{name}")).unwrap()), None, "{name}");
        }
    }

    #[test]
    fn progressive_pictures_of_every_kind_have_none() {
        for sampling in [jpeg_encoder::SamplingFactor::F_1_1, jpeg_encoder::SamplingFactor::F_2_2] {
            for scans in [4, 10] {
                let mut bytes = Vec::new();
                let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 85);
                encoder.set_progressive_scans(scans);
                encoder.set_sampling_factor(sampling);
                encoder.set_restart_interval(if scans == 4 { 7 } else { 0 });
                encoder.encode(photo().pixels(), 403, 301, jpeg_encoder::ColorType::Rgb).unwrap();
                assert_eq!(fault(&bytes), None, "{sampling:?} {scans}");
            }
        }
    }

    #[test]
    fn most_damage_shows() {
        let whole = photo().encode(Encoding::Jpeg { quality: 85 }).unwrap();
        let scan = whole.windows(2).position(|two| two == [0xff, 0xda]).unwrap() + 14;
        let (mut told, mut all) = (0, 0);
        for at in (scan..whole.len() - 66).step_by(301) {
            let mut damaged = whole.clone();
            for (index, byte) in damaged[at..at + 64].iter_mut().enumerate() {
                // No markers, which would be another fault.
                *byte = (*byte ^ (index * 37 + 11) as u8).min(0xfe);
            }
            all += 1;
            told += usize::from(fault(&damaged).is_some());
        }
        assert!(all > 100 && told * 100 >= all * 95, "{told} of {all}");
    }
}
