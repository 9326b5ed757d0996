//! The memory that hashes are computed in, used again from hash to hash.

use std::mem::size_of;

use argon2::Block;

/// The least that is asked of the allocator at once. Allocators keep what was
/// given back for the next time: glibc's learns to do so for anything up to 32
/// MiB. What is larger is a mapping of its own, and giving it back gives it to
/// the machine. What is asked for and never touched takes no memory.
const LEAST_BYTES: usize = 33 << 20;

/// The blocks of one hash at a time. Their content is secret-dependent and
/// overwritten by the next hash.
#[derive(Default)]
pub struct Workspace {
    blocks: Vec<Block>,
    /// How many blocks have been filled since [`Workspace::take_filled`].
    filled: u64,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Workspace {
    /// `count` blocks.
    pub fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            // Another allocation rather than a larger one: nothing in the old
            // one is worth copying.
            self.blocks = Vec::with_capacity(count.max(LEAST_BYTES / size_of::<Block>()));
            self.blocks.resize(count, Block::new());
        }
        &mut self.blocks[..count]
    }

    /// Notes that a hash has filled `blocks` blocks.
    pub const fn note_filled(&mut self, blocks: u64) {
        self.filled += blocks;
    }

    /// Gives back what exceeds `count` blocks: an imported hash may have
    /// needed more than hashes do now.
    pub fn trim(&mut self, count: usize) {
        if self.blocks.len() > count {
            self.blocks = Vec::new();
        }
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.len() * size_of::<Block>()
    }

    /// How many blocks of 1 KiB have been filled since the last time.
    pub fn take_filled(&mut self) -> u64 {
        std::mem::take(&mut self.filled)
    }
}
