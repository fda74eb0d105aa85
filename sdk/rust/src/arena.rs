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
const DOUBLINGS: usize = 24;
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
    let step = (FINE << doubling) / STEPS;
    let within = (size - (FINE << doubling)).div_ceil(step) - 1;
    let class = FINE / UNIT + doubling * STEPS + within;
    (doubling < DOUBLINGS).then_some((class, (FINE << doubling) + (within + 1) * step))
}

fn align_up(address: usize, align: usize) -> usize {
    (address + align - 1) & !(align - 1)
}
