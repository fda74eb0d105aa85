//! An allocator for calls that are short and instances that are many.
//!
//! A fresh instance must not grow its memory (each growth costs the host a system call) and should touch few pages; a warm
//! one must not leak. So blocks are cut one after the other from the memory the instance was born with; freed ones go to
//! lists by size and are used again; and once nothing is in use, everything starts over at the lowest address. Memory grows
//! only when all that is used up.
//!
//! Invariant: every block is a multiple of 16 bytes at a multiple of 16, and belongs to a user or to one list, never both.

use std::alloc::Layout;
use std::ptr;

/// Blocks are multiples of this and so aligned; it also holds a list's link on every machine.
const UNIT: usize = 16;
/// Up to here every multiple of `UNIT` is a class of its own.
const FINE: usize = 512;
/// Beyond `FINE`, four classes for each doubling: at most a quarter is wasted.
const STEPS: usize = 4;
/// Enough for 2 GiB, half of what an instance can ever have.
const DOUBLINGS: usize = 22;
const CLASSES: usize = FINE / UNIT + DOUBLINGS * STEPS;

/// Where an arena gets its memory.
pub(crate) trait Memory {
    /// First and last address (exclusive) of what is there from the start.
    fn initial(&mut self) -> (usize, usize);
    /// At least `bytes` more, as first and last address; none if refused.
    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)>;
}

/// The allocator. `end == 0` before first use.
pub(crate) struct Arena<M> {
    memory: M,
    floor: usize,
    next: usize,
    end: usize,
    in_use: usize,
    free: [usize; CLASSES],
}

impl<M: Memory> Arena<M> {
    pub(crate) const fn new(memory: M) -> Self {
        Arena { memory, floor: 0, next: 0, end: 0, in_use: 0, free: [0; CLASSES] }
    }

    /// A block for `layout`, or null.
    pub(crate) fn allocate(&mut self, layout: Layout) -> *mut u8 {
        let Some((class, size)) = class_for(block_size(layout)) else { return ptr::null_mut() };
        let block = match self.take(class) {
            Some(block) => Some(block),
            None => self.cut(size),
        };
        let Some(block) = block else { return ptr::null_mut() };
        self.in_use += 1;
        align_up(block, layout.align()) as *mut u8
    }

    /// Takes back what `allocate` or `reallocate` gave for `layout`.
    ///
    /// # Safety
    /// `user` is such a block and is not used any more.
    pub(crate) unsafe fn release(&mut self, user: *mut u8, layout: Layout) {
        self.in_use -= 1;
        if self.in_use == 0 {
            self.start_over();
            return;
        }
        let Some((class, size)) = class_for(block_size(layout)) else { return };
        // An over-aligned block begins somewhere before the address its user knows; its first unit is lost until the arena
        // starts over. Such alignments (above 16) are rare.
        let block = user as usize;
        match layout.align() > UNIT {
            false if block + size == self.next => self.next = block,
            false => unsafe { self.put(class, block) },
            true => {}
        }
    }

    /// Grows or shrinks where it stands, if it can.
    ///
    /// # Safety
    /// `user` came from this arena for `layout`.
    pub(crate) unsafe fn resize_in_place(&mut self, user: *mut u8, layout: Layout, new_size: usize) -> bool {
        if layout.align() > UNIT {
            return false;
        }
        let (Some((class, size)), Some((new_class, new_block))) =
            (class_for(layout.size()), class_for(new_size))
        else {
            return false;
        };
        if class == new_class {
            return true;
        }
        let block = user as usize;
        if block + size != self.next || new_block > self.end - block {
            return false;
        }
        self.next = block + new_block;
        true
    }

    fn start_over(&mut self) {
        self.next = self.floor;
        self.free = [0; CLASSES];
    }

    /// The newest block of a list.
    fn take(&mut self, class: usize) -> Option<usize> {
        let block = self.free[class];
        if block == 0 {
            return None;
        }
        // SAFETY: a listed block holds the address of the next one, written by `put`, and nobody else uses it.
        self.free[class] = unsafe { *(block as *const usize) };
        Some(block)
    }

    /// # Safety
    /// `block` is a block of `class` that nobody uses.
    unsafe fn put(&mut self, class: usize, block: usize) {
        unsafe { *(block as *mut usize) = self.free[class] };
        self.free[class] = block;
    }

    /// A new block from the untouched memory, growing it if that is used up.
    fn cut(&mut self, size: usize) -> Option<usize> {
        if self.end == 0 {
            let (start, end) = self.memory.initial();
            self.floor = align_up(start, UNIT);
            (self.next, self.end) = (self.floor, end & !(UNIT - 1));
        }
        if self.end.saturating_sub(self.next) < size && !self.extend(size) {
            return None;
        }
        let block = self.next;
        self.next += size;
        Some(block)
    }

    /// Makes room for `size` bytes. Asks for as much again as is there, up to 1 MiB, so that growing is rare.
    fn extend(&mut self, size: usize) -> bool {
        let generous = size.max((self.end - self.floor).min(1 << 20));
        let Some((start, end)) = self.memory.grow(generous).or_else(|| self.memory.grow(size)) else {
            return false;
        };
        if start != self.end {
            // Somebody else took memory in between: what is left before it stays unused, and the arena lives behind it.
            self.floor = align_up(start, UNIT);
            self.next = self.floor;
        }
        self.end = end & !(UNIT - 1);
        self.end - self.next >= size
    }
}

/// Bytes a layout needs: an alignment beyond `UNIT` needs room to move.
fn block_size(layout: Layout) -> usize {
    match layout.align() > UNIT {
        true => layout.size().saturating_add(layout.align()),
        false => layout.size(),
    }
}

/// The class that holds `size` bytes, and the size of its blocks; none if larger than any.
fn class_for(size: usize) -> Option<(usize, usize)> {
    if size <= FINE {
        let class = size.max(1).div_ceil(UNIT) - 1;
        return Some((class, (class + 1) * UNIT));
    }
    let doubling = ((size - 1) / FINE).ilog2() as usize;
    if doubling >= DOUBLINGS {
        return None;
    }
    let (base, step) = (FINE << doubling, (FINE << doubling) / STEPS);
    let within = (size - base).div_ceil(step) - 1;
    Some((FINE / UNIT + doubling * STEPS + within, base + (within + 1) * step))
}

fn align_up(address: usize, align: usize) -> usize {
    (address + align - 1) & !(align - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;

    /// Part of a buffer is there from the start, the rest is granted page by page.
    struct Buffer {
        bytes: Vec<u128>,
        granted: usize,
        grown: usize,
    }

    impl Buffer {
        fn new(initial: usize, whole: usize) -> Self {
            Buffer { bytes: vec![0; whole / 16], granted: initial, grown: 0 }
        }

        fn start(&self) -> usize {
            self.bytes.as_ptr() as usize
        }
    }

    impl Memory for Buffer {
        fn initial(&mut self) -> (usize, usize) {
            (self.start(), self.start() + self.granted)
        }

        fn grow(&mut self, bytes: usize) -> Option<(usize, usize)> {
            let wanted = bytes.div_ceil(PAGE) * PAGE;
            if self.granted + wanted > self.bytes.len() * 16 {
                return None;
            }
            let from = self.start() + self.granted;
            self.granted += wanted;
            self.grown += 1;
            Some((from, from + wanted))
        }
    }

    /// A block somebody uses, filled with its own byte.
    struct Block {
        at: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Block {
        fn fill(&self) {
            // SAFETY: the arena gave this block, and it is ours alone; that is what is tested.
            unsafe { ptr::write_bytes(self.at, self.mark, self.layout.size()) };
        }

        fn intact(&self) -> bool {
            // SAFETY: as above.
            unsafe { std::slice::from_raw_parts(self.at, self.layout.size()) }
                .iter()
                .all(|byte| *byte == self.mark)
        }
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// Random sizes of every magnitude, most of them small; now and then an alignment beyond `UNIT`.
    fn random_layout(random: &mut fastrand::Rng) -> Layout {
        let (magnitude, rare) = (random.usize(1..14), random.u8(..) == 0);
        let size = 1 + random.usize(0..1 << magnitude);
        layout(size, 1 << random.usize(0..if rare { 9 } else { 5 }))
    }

    #[test]
    fn blocks_are_aligned_and_nobody_writes_into_anothers() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut arena = Arena::new(Buffer::new(PAGE, 1 << 20));
            let mut blocks: Vec<Block> = Vec::new();
            for step in 0..2000 {
                match random.u8(0..10) {
                    0..5 => {
                        let layout = random_layout(&mut random);
                        let at = arena.allocate(layout);
                        if !at.is_null() {
                            assert_eq!(at as usize % layout.align(), 0, "seed {seed} step {step}");
                            blocks.push(Block { at, layout, mark: random.u8(..) });
                            blocks[blocks.len() - 1].fill();
                        }
                    }
                    5..7 if !blocks.is_empty() => {
                        let index = random.usize(..blocks.len());
                        let block = &mut blocks[index];
                        let size = random_layout(&mut random).size();
                        let before = block.layout.size().min(size);
                        if unsafe { arena.resize_in_place(block.at, block.layout, size) } {
                            block.layout = layout(before, block.layout.align());
                            assert!(block.intact(), "seed {seed} step {step}");
                            block.layout = layout(size, block.layout.align());
                            block.fill();
                        }
                    }
                    _ if !blocks.is_empty() => {
                        let block = blocks.swap_remove(random.usize(..blocks.len()));
                        assert!(block.intact(), "seed {seed} step {step}");
                        unsafe { arena.release(block.at, block.layout) };
                    }
                    _ => {}
                }
            }
            assert!(blocks.iter().all(Block::intact), "seed {seed}");
            blocks.drain(..).for_each(|block| unsafe { arena.release(block.at, block.layout) });
            assert_eq!((arena.in_use, arena.next), (0, arena.floor), "seed {seed}");
        }
    }

    #[test]
    fn a_call_that_fits_never_grows_and_the_next_begins_where_it_did() {
        let mut arena = Arena::new(Buffer::new(PAGE, 1 << 20));
        let first = arena.allocate(layout(100, 8));
        for _ in 0..1000 {
            unsafe { arena.release(first, layout(100, 8)) };
            assert_eq!(arena.allocate(layout(100, 8)), first);
            let more = arena.allocate(layout(2000, 1));
            unsafe { arena.release(more, layout(2000, 1)) };
        }
        assert_eq!(arena.memory.grown, 0);
    }

    #[test]
    fn memory_is_used_again_though_something_always_stays() {
        let mut arena = Arena::new(Buffer::new(PAGE, 1 << 20));
        let kept = arena.allocate(layout(8, 8));
        assert!(!kept.is_null());
        for round in 0..10_000 {
            let sizes = [24, 500, 3000, 40, 777];
            let blocks = sizes.map(|size| arena.allocate(layout(size, 8)));
            assert!(blocks.iter().all(|block| !block.is_null()), "round {round}");
            // In the order of their birth, so that none but the last goes back to the untouched memory.
            blocks
                .iter()
                .zip(sizes)
                .for_each(|(block, size)| unsafe { arena.release(*block, layout(size, 8)) });
        }
        assert!(arena.memory.granted <= 4 * PAGE, "{} bytes", arena.memory.granted);
    }

    #[test]
    fn a_growing_vector_at_the_end_stays_where_it_is() {
        let mut arena = Arena::new(Buffer::new(PAGE, 1 << 20));
        let start = arena.allocate(layout(16, 1));
        let mut size = 16;
        while size < 2048 {
            assert!(unsafe { arena.resize_in_place(start, layout(size, 1), size * 2) });
            size *= 2;
        }
        let _next = arena.allocate(layout(16, 1));
        assert!(
            !unsafe { arena.resize_in_place(start, layout(size, 1), size * 2) },
            "now something stands behind it"
        );
    }

    #[test]
    fn what_cannot_be_had_is_null_and_harms_nothing() {
        let mut arena = Arena::new(Buffer::new(PAGE, 16 * PAGE));
        assert!(arena.allocate(layout(1 << 20, 1)).is_null());
        assert!(arena.allocate(layout(isize::MAX as usize - 64, 1)).is_null());
        assert!(!arena.allocate(layout(8 * PAGE, 1)).is_null());
    }

    #[test]
    fn a_class_holds_its_sizes_and_wastes_at_most_a_quarter() {
        let mut last = 0;
        for size in 1..1_000_000 {
            let (class, block) = class_for(size).unwrap();
            assert!(block >= size && block % UNIT == 0 && class >= last, "{size}");
            assert!(size <= FINE || block - size <= size / 4, "{size}: {block}");
            last = class;
        }
        assert_eq!(class_for(usize::MAX), None);
    }
}
