//! The arena as the global allocator of a component without WASI.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32;
use std::cell::UnsafeCell;
use std::ptr;

use crate::arena::{Arena, Memory};

const PAGE: usize = 65536;

unsafe extern "C" {
    // Given by the linker: between these the memory an instance is born with is free.
    static __heap_base: u8;
    static __heap_end: u8;
}

struct Linear;

impl Memory for Linear {
    fn initial(&mut self) -> (usize, usize) {
        ((&raw const __heap_base) as usize, (&raw const __heap_end) as usize)
    }

    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let pages = bytes.div_ceil(PAGE);
        match wasm32::memory_grow(0, pages) {
            usize::MAX => None,
            before => Some((before * PAGE, (before + pages).saturating_mul(PAGE))),
        }
    }
}

struct Heap(UnsafeCell<Arena<Linear>>);

// SAFETY: an instance has one thread.
unsafe impl Sync for Heap {}

// SAFETY: blocks are as large and as aligned as asked for and belong to one user (see `arena.rs`), and no call
// nests inside another: the arena itself allocates nothing.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).allocate(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).release(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        unsafe {
            if (*self.0.get()).resize_in_place(block, layout, new_size) {
                return block;
            }
            let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Arena::new(Linear)));
