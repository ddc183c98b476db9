//! Compressed streams as their own programs read them: several parts one behind the other, parts to skip, zeros at the end.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Memory that a Zstandard frame may ask for: what `zstd` itself allows, enough for its largest level.
const ZSTD_WINDOW: u64 = 128 << 20;

/// gzip of any number of members.
pub(super) struct Gzip<R: BufRead> {
    /// None once the last member ended.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(source: R) -> Self {
        Self { member: Some(GzDecoder::new(source)) }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Some(mut source) = self.member.take().map(GzDecoder::into_inner)
                && !is_over(&mut source, |byte| byte == 0x1f)?
            {
                self.member = Some(GzDecoder::new(source));
            }
        }
        Ok(0)
    }
}

/// Zstandard of any number of frames, which is what `pzstd` and `cat` make.
pub(super) struct Zstandard<R: BufRead> {
    source: R,
    frame: FrameDecoder,
    inside: bool,
}

impl<R: BufRead> Zstandard<R> {
    pub(super) fn new(source: R) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(ZSTD_WINDOW);
        Self { source, frame, inside: false }
    }

    /// Reads the header of the next frame that holds something; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !is_over(&mut self.source, |byte| matches!(byte, 0x28 | 0x50..=0x5f))? {
            match self.frame.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(false)
    }

    /// The decoder calls the end of a file what it calls damage.
    fn failed(&mut self, error: FrameDecoderError) -> io::Error {
        match self.source.fill_buf() {
            Ok([]) => io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => io::Error::other(error),
            Err(error) => error,
        }
    }
}

impl<R: BufRead> Read for Zstandard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.inside {
                if !self.begin()? {
                    return Ok(0);
                }
                self.inside = true;
            }
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(error) = self.frame.decode_blocks(&mut self.source, one) {
                    return Err(self.failed(error));
                }
            }
            if self.frame.can_collect() > 0 {
                return self.frame.read(buffer);
            }
            self.inside = false;
            // The decoder computes the sum and leaves the comparison to us.
            let written = self.frame.get_checksum_from_data();
            if written.is_some() && written != self.frame.get_calculated_checksum() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the sum of its content is wrong"));
            }
        }
    }
}

/// Whether nothing follows but zeros, with which tapes and some copying programs fill up what they write. Whatever follows else must
/// begin like a part.
fn is_over(source: &mut impl BufRead, begins_part: impl Fn(u8) -> bool) -> io::Result<bool> {
    let mut padded = false;
    loop {
        let ahead = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ahead => ahead?,
        };
        match (ahead.iter().position(|byte| *byte != 0), ahead.len()) {
            (_, 0) => return Ok(true),
            (Some(0), _) if !padded && begins_part(ahead[0]) => return Ok(false),
            (Some(_), _) => return Err(io::Error::new(io::ErrorKind::InvalidData, "something follows its end")),
            (None, zeros) => {
                padded = true;
                source.consume(zeros);
            }
        }
    }
}
