//! What a session keeps of its states for plans that only read them.
#![allow(unsafe_code)]

use std::sync::Arc;

use crate::plan::kept::{Form, Kept};
use crate::run::buffer::{Aligned, Buffer};
use crate::run::convolution;
use crate::run::isa::Isa;
use crate::run::matmul::{View, pack_right};
use crate::run::pool::{Pool, WorkerPanic};

/// A block that a prepared plan uses; while it lives, nobody else is given the block's memory.
#[derive(Clone)]
pub(super) struct Hold {
    pub block: usize,
    /// Only counted.
    _user: Arc<()>,
}

/// A state in another form.
pub(super) struct Block {
    /// The session's state.
    pub state: usize,
    form: Form,
    /// The version of the state that it was made of; 0 before it is made.
    version: u64,
    memory: Aligned,
    user: Arc<()>,
}

/// How a session makes what it keeps.
pub(super) struct Maker<'a> {
    pub isa: Isa,
    pub exact: bool,
    pub pool: &'a Pool,
    pub work: &'a mut [f32],
}

/// The block for what a plan keeps of the session's state `state`: one that holds it, one that no
/// prepared plan uses any more, or a new one.
pub(super) fn hold(blocks: &mut Vec<Block>, state: usize, kept: &Kept) -> Hold {
    let found = blocks.iter().position(|b| (b.state, b.form) == (state, kept.form));
    let unused = |block: &Block| Arc::strong_count(&block.user) == 1;
    let block = found.unwrap_or_else(|| {
        let user = Arc::new(());
        let memory = Aligned::zeroed(kept.bytes().unwrap_or(0));
        let fresh = Block { state, form: kept.form, version: 0, memory, user };
        match blocks.iter().position(unused) {
            Some(block) => {
                blocks[block] = fresh;
                block
            }
            None => {
                blocks.push(fresh);
                blocks.len() - 1
            }
        }
    });
    Hold { block, _user: Arc::clone(&blocks[block].user) }
}

impl Block {
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// Where it lies, made of `version` of the state, which is this buffer, if it is not yet.
    pub fn of(
        &mut self,
        maker: &mut Maker<'_>,
        state: &Buffer,
        version: u64,
    ) -> Result<*mut u8, WorkerPanic> {
        if self.version != version {
            let numbers = state.as_slice::<f32>().unwrap_or_default();
            let Maker { isa, exact, pool, ref mut work } = *maker;
            self.version = 0;
            let memory = self.memory.pointer().cast::<f32>();
            match self.form {
                Form::Right { n, k, transposed } => {
                    let right = match transposed {
                        true => View::row_major(numbers, k).transposed(),
                        false => View::row_major(numbers, n),
                    };
                    // SAFETY: the block has room for what the plan keeps of the factor.
                    unsafe { pack_right(isa, pool, right, n, k, memory)? };
                }
                Form::Filter { gives, stencil } => {
                    let of = (&stencil, gives, exact);
                    // SAFETY: the block has room for what the plan keeps of the filter.
                    unsafe { convolution::keep(isa, pool, work, of, numbers, memory)? };
                }
            }
            self.version = version;
        }
        Ok(self.memory.pointer())
    }
}
